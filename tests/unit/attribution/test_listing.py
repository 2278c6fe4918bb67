"""What is kept of a decision: at most 100 candidates, exact counts of the others, whole credits."""

from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import Final

import pytest
from msgspec import structs

from services.attribution.domain.decide import decide_scope
from services.attribution.domain.ledger import entries, memos, post, slotted
from services.attribution.domain.listing import CARRIED_MAX, LISTED_MAX, REJECTED_LEAST, listed
from services.attribution.domain.model import Candidate, Decision
from services.attribution.domain.reasons import Reason
from services.attribution.wire.decision_bytes import decode_decision, encode_decision
from shared.events import Quality
from tests.factories import (
    Evidence,
    click,
    code,
    conversion_key,
    days,
    facts,
    influencers,
    link_id,
    minutes,
    order,
    policy,
    scope,
    touch,
    visitor,
)

PHONE: Final = visitor("phone")
MODELS: Final = ("first", "last", "linear", "participation")
FACTS: Final = facts(influencers("mia", "leo"), policy(models=MODELS))
KEPT: Final = [touch(f"k{n}", by=PHONE, ago=days(1) + minutes(n)) for n in range(300)]
BOTS: Final = [
    touch(f"b{n}", by=PHONE, ago=days(20) + minutes(n), quality=(Quality.BOT,)) for n in range(200)
]
OLD: Final = [touch(f"o{n}", of="leo", by=PHONE, ago=days(40) + minutes(n)) for n in range(50)]
CARRIED: Final = touch("carried", click_key=click("k"), ago=days(25))
# A decision as version 0.1 stored it: credits by touch, without kind, link and code.
STORED_BEFORE: Final = (
    Path(__file__).parents[2] / "golden" / "stored_decision.v1.json"
).read_bytes()


def decided(*evidence: Evidence) -> Decision:
    return decide_scope(scope(*evidence), FACTS)[conversion_key()]


def reasons(candidates: tuple[Candidate, ...]) -> Counter[Reason | None]:
    return Counter(candidate.reason for candidate in candidates)


def test_a_short_journey_is_listed_whole() -> None:
    decision = decided(*KEPT[:60], *BOTS[:39], CARRIED, order("1001", PHONE, carries=CARRIED))
    assert listed(decision).candidates == decision.candidates
    assert listed(decision).unlisted == ()


def test_of_a_long_journey_the_carried_the_oldest_and_the_newest_are_listed() -> None:
    decision = decided(*KEPT, *BOTS, *OLD, CARRIED, order("1001", PHONE, carries=CARRIED))
    short = listed(decision)
    assert len(short.candidates) == LISTED_MAX
    found = [candidate.touch_id for candidate in short.candidates]
    assert CARRIED.touch_id in found
    assert {KEPT[0].touch_id, KEPT[-1].touch_id, BOTS[0].touch_id, OLD[-1].touch_id} <= set(found)
    assert found == [c.touch_id for c in decision.candidates if c.touch_id in found]
    kept = LISTED_MAX - REJECTED_LEAST
    assert reasons(short.candidates)[None] == kept
    assert {item.reason: item.count for item in short.unlisted} == {
        None: 301 - kept,
        Reason.BOT: 200 - REJECTED_LEAST // 2,
        Reason.OUTSIDE_WINDOW: 50 - REJECTED_LEAST // 2,
    }


def test_every_candidate_is_listed_or_counted() -> None:
    decision = decided(*KEPT, *BOTS, *OLD, order("1001", PHONE))
    short = listed(decision)
    counted = Counter({item.reason: item.count for item in short.unlisted})
    assert reasons(short.candidates) + counted == reasons(decision.candidates)


def test_what_is_stored_has_the_same_ledger_and_is_stored_once() -> None:
    decision = decided(*KEPT, *BOTS, order("1001", PHONE))
    stored = decode_decision(encode_decision(listed(decision)))
    assert stored == listed(decision) == listed(stored)
    assert entries(stored, 1) == entries(decision, 1)
    assert memos(stored, 1) == memos(decision, 1)
    linear = [credit for credit in stored.credits if credit.model == "linear"]
    assert sum(credit.touches for credit in linear) == len(KEPT)
    assert sum(credit.share for credit in linear) == 1
    assert len(linear) <= len(KEPT) // 15 + 1


def test_a_model_with_many_slots_has_one_credit_for_each_account() -> None:
    mia = [touch(f"m{n}", by=PHONE, ago=days(1) + n * minutes(15)) for n in range(150)]
    leo = [touch(f"l{n}", of="leo", by=PHONE, ago=days(4) + n * minutes(15)) for n in range(50)]
    decision = decided(*mia, *leo, order("1001", PHONE, net_minor=20_000))
    short = listed(decision)
    assert listed(short) == short
    linear = {c.account: c for c in short.credits if c.model == "linear"}
    assert {(c.touches, c.amount_minor, c.share) for c in linear.values()} == {
        (150, 15_000, Fraction(3, 4)),
        (50, 5_000, Fraction(1, 4)),
    }
    assert {c.link_id for c in linear.values()} == {link_id("mia"), link_id("leo")}
    assert [c for c in short.credits if c.model != "linear"] == [
        c for c in slotted(decision).credits if c.model != "linear"
    ]
    assert short.memos == slotted(decision).memos


@pytest.mark.parametrize("owners", [30, 200])
def test_codes_of_an_order_never_fill_the_list(owners: int) -> None:
    names = [f"c{number}" for number in range(owners)]
    known = facts(influencers("mia", *names), *(code("DUO", of=name) for name in names))
    evidence = scope(*KEPT, order("1001", PHONE, codes=("DUO",)))
    short = listed(decide_scope(evidence, known)[conversion_key()])
    assert len(short.candidates) == LISTED_MAX
    assert sum(c.kind == "code" for c in short.candidates) == min(owners, CARRIED_MAX)


def test_a_decision_of_an_older_release_is_read_and_reversed_exactly() -> None:
    stored = decode_decision(STORED_BEFORE)
    assert [credit.placed_units for credit in stored.credits] == [None] * len(stored.credits)
    booked = entries(stored, 1)
    assert {entry.touched_at for entry in booked} == {c.touched_at for c in stored.credits}
    assert {(e.touch_kind, e.placed_units, e.net_minor) for e in booked} == {(None, None, None)}
    now = decided(*KEPT[:2], order("1001", PHONE))
    posting = post((*booked, *memos(stored, 1)), now, 2)
    left = Counter[object]()
    for entry in (*booked, *posting.entries):
        slot = structs.replace(entry, amount_minor=0, units=0, revision=0, reverses=None)
        left[structs.replace(slot, placed_units=None)] += entry.amount_minor
    assert sum(abs(value) for value in left.values()) == sum(
        e.amount_minor for e in entries(now, 2)
    )
