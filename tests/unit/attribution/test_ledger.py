"""Entries, reversals and tallies: postings only add, and their sum equals the last decision."""

from collections import Counter
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from msgspec.structs import replace

from services.attribution.domain.decide import decide_scope
from services.attribution.domain.ledger import entries, post
from services.attribution.domain.model import CatalogFacts, Decision, Touch
from services.attribution.domain.tallies import tally
from shared.catalog import LinkPeriod
from shared.code_texts import code_text
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
    link_id,
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
    """Return amounts, units and squares by all other fields, without zeros."""
    total: Counter[tuple[object, ...]] = Counter()
    for entry in posted:
        slot = (
            *(entry.model, entry.account, entry.touched_at, entry.touch_stage, entry.currency),
            *(entry.stage, entry.touch_kind, entry.evidence_class, entry.link_id),
        )
        total[(*slot, "amount")] += entry.amount_minor
        total[(*slot, "units")] += entry.units
        total[(*slot, "placed")] += entry.placed_units or 0
        total[(*slot, "squares")] += entry.amount_minor * (entry.net_minor or 0)
    return Counter({slot: value for slot, value in total.items() if value})


def as_version_1(entry: CreditEntry) -> CreditEntry:
    """Return an entry as a release before version 2 stored it, with the time of its touch."""
    return CreditEntry(
        model=entry.model,
        revision=entry.revision,
        account=entry.account,
        amount_minor=entry.amount_minor,
        units=entry.units,
        currency=entry.currency,
        stage=entry.stage,
        touch_stage=entry.touch_stage,
        touched_at=entry.touched_at and entry.touched_at + minutes(7),
    )


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


def test_a_new_revision_reverses_the_slots_that_changed_and_adds_the_new() -> None:
    before, after = decided(FIRST, ORDER), decided(FIRST, SECOND, ORDER)
    posting = post(entries(before, 3), after, 4)
    mia, leo = placement_id("mia"), placement_id("leo")
    assert [e.reverses for e in posting.entries] == [3, 3, None, None, None]
    assert {
        (e.model, e.account, e.amount_minor, e.units, e.placed_units) for e in posting.entries
    } == {
        ("last", mia, -1000, -1_000_000, -1_000_000),
        ("linear", mia, -1000, -1_000_000, -1_000_000),
        ("last", leo, 1000, 1_000_000, 1_000_000),
        ("linear", mia, 500, 500_000, 500_000),
        ("linear", leo, 500, 500_000, 500_000),
    }
    assert {(e.model, e.revision) for e in posting.standing} == {
        ("first", 3),
        ("last", 4),
        ("linear", 4),
    }


def test_a_slot_with_another_net_is_booked_again() -> None:
    """Otherwise the sum of amount times net would keep the old net."""
    before, after = decided(FIRST, ORDER), decided(FIRST, replace(ORDER, net_minor=1))
    free = [structs.replace(e, amount_minor=0) for e in entries(before, 1)]
    posted = post(free, after, 2).entries
    assert {e.net_minor for e in posted if e.reverses} == {1000}
    assert {e.net_minor for e in posted if not e.reverses} == {1}


def test_an_entry_names_what_earned_it() -> None:
    known = facts(FACTS, code("DUO", of="leo"))
    carrying = replace(ORDER, codes=(code_text("duo"),))
    found = {
        e.account: (e.touch_kind, e.evidence_class, e.link_id, e.code, e.net_minor)
        for e in entries(decided(FIRST, carrying, known=known), 1)
        if e.model == "last"
    }
    assert found == {placement_id("leo"): ("code", "code", None, "DUO", 1000)}
    clicked = entries(decided(FIRST, ORDER), 1)[0]
    assert (clicked.touch_kind, clicked.link_id, clicked.code) == ("click", FIRST.link_id, None)
    organic = entries(decided(ORDER), 1)[0]
    assert (organic.touch_kind, organic.touched_at, organic.placed_units) == (None, None, 1_000_000)


def test_a_cancelled_order_was_placed_and_is_not_kept() -> None:
    gone = entries(decided(FIRST, SECOND, ORDER, adjustment("cancel")), 1)
    assert {e.units for e in gone} == {0}
    assert sum(e.placed_units or 0 for e in gone if e.model == "linear") == 1_000_000


def test_touches_of_one_quarter_of_an_hour_are_one_entry_with_its_time() -> None:
    at = NOON - days(1)
    clicks = [
        structs.replace(touch(str(n), by=PHONE), occurred_at=at + minutes(n)) for n in range(16)
    ]
    linear = [e for e in entries(decided(*clicks, ORDER), 1) if e.model == "linear"]
    assert [(e.touched_at, e.amount_minor) for e in linear] == [(at, 938), (at + minutes(15), 62)]
    elsewhere = structs.replace(clicks[0], touch_id="other link", link_id=SECOND.link_id)
    linear = [e for e in entries(decided(clicks[0], elsewhere, ORDER), 1) if e.model == "linear"]
    assert {(e.touched_at, e.amount_minor) for e in linear} == {(at, 500)}


def test_entries_of_version_1_are_reversed_as_they_are_by_the_first_new_revision() -> None:
    decision = decided(FIRST, SECOND, ORDER)
    old = [as_version_1(entry) for entry in entries(decision, 1)]
    posting = post(old, decision, 2)
    reversals, new = posting.entries[: len(old)], posting.entries[len(old) :]
    assert new == entries(decision, 2)
    assert [e.touched_at for e in reversals] == [e.touched_at for e in old]
    assert balance([*old, *posting.entries]) == balance(list(entries(decision, 1)))
    assert post(posting.standing, decision, 3).entries == ()


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
        standing = posting.standing
        assert {structs.replace(e, revision=1) for e in standing if e.model != "participation"} == {
            *entries(decision, 1)
        }
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


def test_touches_of_two_links_of_one_account_are_counted_apart() -> None:
    other = LinkPeriod(placement_id=placement_id("mia"))
    known = replace(FACTS, links={**FACTS.links, link_id("leo"): (other,)})
    found = tally([FIRST, structs.replace(SECOND, occurred_at=FIRST.occurred_at)], known)
    assert {(t.account, t.link_id, t.counted) for t in found} == {
        (placement_id("mia"), link_id(name), 1) for name in ("mia", "leo")
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
    """Return the tally with both signs inverted."""
    return Tally(
        account=counted.account,
        kind=counted.kind,
        stage=counted.stage,
        quarter_at=counted.quarter_at,
        counted=-counted.counted,
        flagged=-counted.flagged,
        link_id=counted.link_id,
        code=counted.code,
    )
