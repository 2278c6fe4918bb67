"""Entries, reversals and tallies: postings only add, and their sum equals the last decision."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from services.attribution.domain.decide import decide_scope
from services.attribution.domain.ledger import entries, post
from services.attribution.domain.model import CatalogFacts, Decision, Touch
from services.attribution.domain.tallies import tally
from shared.credits import CreditEntry, Tally
from shared.events import Quality
from tests.factories import (
    NOON,
    Evidence,
    adjustment,
    code,
    conversion_key,
    days,
    facts,
    influencers,
    minutes,
    order,
    placement_id,
    referral,
    scope,
    touch,
    visitor,
)

PHONE = visitor("phone")
FACTS = facts(influencers("mia", "leo"))
ORDER = order("1001", PHONE, net_minor=1000)
FIRST, SECOND = touch("1", by=PHONE, ago=days(2)), touch("2", of="leo", by=PHONE, ago=days(1))


def decided(*evidence: Evidence, known: CatalogFacts = FACTS) -> Decision:
    """The decision on order 1001."""
    return decide_scope(scope(*evidence), known)[conversion_key()]


def balance(posted: list[CreditEntry]) -> Counter[tuple[object, ...]]:
    """Amounts and units by everything else, zero slots left out."""
    total: Counter[tuple[object, ...]] = Counter()
    for entry in posted:
        slot = (entry.model, entry.account, entry.touched_at, entry.touch_stage, entry.currency)
        total[(*slot, entry.stage, "amount")] += entry.amount_minor
        total[(*slot, entry.stage, "units")] += entry.units
    return Counter({slot: value for slot, value in total.items() if value})


def test_a_first_revision_is_its_entries() -> None:
    decision = decided(FIRST, SECOND, ORDER)
    posting = post(None, decision, 1)
    assert posting.entries == entries(decision, 1)
    assert [
        (e.model, e.account, e.amount_minor) for e in posting.entries if e.model != "linear"
    ] == [
        ("first", placement_id("mia"), 1000),
        ("last", placement_id("leo"), 1000),
    ]


def test_equal_entries_post_nothing() -> None:
    decision = decided(FIRST, ORDER)
    standing = entries(decision, 1)
    assert post(standing, decision, 2).entries == ()
    assert post(tuple(reversed(standing)), decision, 7).entries == ()


def test_a_new_revision_reverses_what_stands_and_adds_the_new() -> None:
    before, after = decided(FIRST, ORDER), decided(FIRST, SECOND, ORDER)
    standing = entries(before, 1)
    posted = post(standing, after, 2).entries
    reversals, new = posted[: len(standing)], posted[len(standing) :]
    assert [(e.account, -e.amount_minor, -e.units, e.revision) for e in reversals] == [
        (e.account, e.amount_minor, e.units, 2) for e in standing
    ]
    assert new == entries(after, 2)


def test_credits_of_one_slot_are_one_entry() -> None:
    twice = (FIRST, structs.replace(FIRST, touch_id="twin"))
    linear = [e for e in entries(decided(*twice, ORDER), 1) if e.model == "linear"]
    assert [(e.amount_minor, e.units) for e in linear] == [(1000, 1_000_000)]


def test_an_order_taken_back_by_its_source_leaves_nothing() -> None:
    standing = entries(decided(FIRST, ORDER), 1)
    claim = replace(ORDER, source_kind="public")
    posted = post(standing, decided(FIRST, claim), 2).entries
    assert balance([*standing, *posted]) == Counter()
    assert post(None, decided(FIRST, claim), 1).entries == ()


def test_a_corrected_time_is_taken_away_where_it_was_booked() -> None:
    moved = replace(ORDER, version=2, event_id="later", occurred_at=NOON + days(1))
    before, after = decided(ORDER), decided(ORDER, moved)
    standing = entries(before, 1)
    assert post(standing, after, 2).entries == ()
    posted = post(standing, after, 2, before.occurred_at).entries
    assert {e.occurred_at for e in posted[: len(standing)]} == {before.occurred_at}
    assert posted[len(standing) :] == entries(after, 2)
    assert post(standing, before, 2, before.occurred_at).entries == ()


REVISIONS = st.lists(
    st.tuples(st.booleans(), st.booleans(), st.integers(-3000, 3000), st.booleans()), min_size=1
)


@given(REVISIONS)
def test_all_postings_sum_to_the_last_decision(
    revisions: list[tuple[bool, bool, int, bool]],
) -> None:
    posted: list[CreditEntry] = []
    standing: tuple[CreditEntry, ...] = ()
    decision = None
    for number, (first, second, net_after, cancelled) in enumerate(revisions, start=1):
        evidence: list[Evidence] = [ORDER, adjustment("edit", net_after_minor=net_after)]
        evidence += [FIRST] * first + [SECOND] * second
        evidence += [adjustment("cancel", "z", after=days(2))] * cancelled
        decision = decided(*evidence)
        posting = post(standing, decision, number)
        posted += posting.entries
        if posting.entries:
            standing = entries(decision, number)
        assert balance(posted) == balance(list(entries(decision, 1)))
    assert decision is not None


def test_touches_count_by_account_kind_stage_and_quarter() -> None:
    at = datetime(2026, 3, 1, 10, 14, 59, tzinfo=UTC)
    seen = [
        structs.replace(touch("1", by=PHONE), occurred_at=at),
        structs.replace(touch("2", consent=False), occurred_at=at - minutes(14)),
        structs.replace(touch("3", quality=(Quality.BOT,)), occurred_at=at),
        structs.replace(touch("4"), occurred_at=at + minutes(1)),
        structs.replace(touch("5", of="nobody"), occurred_at=at),
    ]
    quarter = datetime(2026, 3, 1, 10, tzinfo=UTC)
    found = {(t.account, t.quarter_at): (t.counted, t.flagged) for t in tally(seen, FACTS)}
    assert found == {
        (placement_id("mia"), quarter): (2, 1),
        (placement_id("mia"), quarter + minutes(15)): (1, 0),
        ("organic", quarter): (1, 0),
    }


def test_quarters_are_of_utc_whatever_the_offset() -> None:
    kathmandu = timezone(timedelta(hours=5, minutes=45))
    seen = structs.replace(touch("1"), occurred_at=datetime(2026, 3, 1, 5, 50, tzinfo=kathmandu))
    assert tally([seen], FACTS)[0].quarter_at == datetime(2026, 3, 1, 0, 0, tzinfo=UTC)


def test_a_touch_of_a_shared_code_counts_once() -> None:
    known = facts(FACTS, code("DUO", of="mia"), code("DUO", of="leo"))
    found = tally([referral("r", code="DUO")], known)
    assert [(t.kind, t.stage, t.counted) for t in found] == [("referral", "advocacy", 1)]


@given(
    st.permutations([FIRST, SECOND, referral("r", code="X"), touch("b", quality=(Quality.BOT,))])
)
def test_the_sign_takes_back_exactly_what_was_counted(seen: list[Touch]) -> None:
    counted = tally(seen, FACTS)
    taken_back = tally(reversed(seen), FACTS, -1)
    assert [negated(t) for t in taken_back] == list(counted)


def negated(counted: Tally) -> Tally:
    """The same tally with both signs turned."""
    return Tally(
        account=counted.account,
        kind=counted.kind,
        stage=counted.stage,
        quarter_at=counted.quarter_at,
        counted=-counted.counted,
        flagged=-counted.flagged,
    )
