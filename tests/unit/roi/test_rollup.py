"""Which records a batch folds: by example and for any order, duplication and loss."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.roi.domain.credit_reading import read_credits
from services.roi.domain.rollup import (
    ENTRY_COLUMNS,
    ORGANIC_ACCOUNT,
    TALLY_COLUMNS,
    FoldState,
    KnownRecord,
    Unreadable,
    account_id,
    entry_rows,
    plan_fold,
    tally_rows,
)
from shared.credits import (
    CreditEntry,
    CreditsRejected,
    DecisionCredited,
    Tally,
    TouchesTallied,
    encode_credits,
)
from shared.ids import natural_id

WORKSPACE = natural_id("tests", "roi", "workspace", "main")
PLACEMENT = natural_id("tests", "roi", "placement", "reel")
START = datetime(2026, 3, 1, tzinfo=UTC)


def touches(sequence: int, recorded_at: datetime = START) -> TouchesTallied:
    return TouchesTallied(
        workspace_id=WORKSPACE, sequence=sequence, recorded_at=recorded_at, tallies=()
    )


def state(sequence: int = 0) -> FoldState:
    return FoldState(WORKSPACE, sequence, START)


def test_what_was_folded_is_a_duplicate_and_what_lies_beyond_a_hole_waits() -> None:
    plan = plan_fold(state(2), [touches(n) for n in (5, 2, 3, 7, 3, 4, 8)])
    assert [item.record.sequence for item in plan.known] == [3, 4, 5]
    assert [record.sequence for record in plan.waiting] == [7, 8]
    assert plan.duplicates == 2
    assert plan.missing_sequence == 6
    assert plan.state.sequence == 5


def test_no_hole_misses_nothing() -> None:
    plan = plan_fold(state(), [touches(1)])
    assert plan.missing_sequence is None
    assert plan_fold(state(), []).state == state()


@given(
    st.integers(0, 5),
    st.lists(st.integers(1, 12), max_size=30),
    st.lists(st.integers(-90, 90), min_size=30, max_size=30),
)
def test_a_plan_is_a_prefix_and_its_clock_only_grows(
    last: int, numbers: list[int], seconds: list[int]
) -> None:
    records = [
        touches(number, START + timedelta(seconds=shift))
        for number, shift in zip(numbers, seconds, strict=False)
    ]
    plan = plan_fold(state(last), records)
    known = [item.record.sequence for item in plan.known]
    assert known == list(range(last + 1, last + 1 + len(known)))
    assert len(records) == len(known) + plan.duplicates + len(plan.waiting)
    clocks = [START, *(item.known_at for item in plan.known)]
    assert all(before < after for before, after in pairwise(clocks))
    assert all(item.known_at >= item.record.recorded_at for item in plan.known)
    assert plan.state.clock_at == clocks[-1]
    waiting = {record.sequence for record in plan.waiting}
    assert waiting == {number for number in numbers if number > plan.state.sequence}
    assert (plan.missing_sequence is not None) == bool(waiting)


def junk(sequence: int, problem: str = "it cannot be read") -> Unreadable:
    return Unreadable(WORKSPACE, sequence, b"{}", problem)


def test_a_record_that_cannot_be_read_stops_at_its_number_until_a_readable_copy_comes() -> None:
    plan = plan_fold(state(), [touches(1), junk(2), touches(3)])
    assert [item.record.sequence for item in plan.known] == [1]
    assert [record.sequence for record in plan.waiting] == [2, 3]
    assert (plan.missing_sequence, plan.problem) == (2, "it cannot be read")
    healed = plan_fold(plan.state, [*plan.waiting, touches(2)])
    assert [item.record.sequence for item in healed.known] == [2, 3]
    assert (healed.missing_sequence, healed.problem, healed.duplicates) == (None, None, 1)


def test_a_record_without_a_number_may_be_the_next_one() -> None:
    last = plan_fold(state(), [touches(1), junk(0)])
    assert (last.missing_sequence, last.problem) == (2, "it cannot be read")
    assert last.waiting == ()
    before = plan_fold(state(), [junk(0), touches(1)])
    assert (before.missing_sequence, before.problem) == (None, None)
    gap = plan_fold(state(), [touches(1), junk(0), touches(3)])
    assert (gap.missing_sequence, gap.problem) == (2, "it cannot be read")


def test_bytes_tell_their_workspace_and_number_as_far_as_they_can() -> None:
    good = encode_credits(touches(3))
    assert read_credits(good, b"") == touches(3)
    newer = read_credits(good.replace(b'"tallies":[]', b'"tallies":7'), b"")
    assert isinstance(newer, Unreadable)
    assert (newer.workspace_id, newer.sequence) == (WORKSPACE, 3)
    keyed = read_credits(b"nonsense", WORKSPACE.encode())
    assert isinstance(keyed, Unreadable)
    assert (keyed.workspace_id, keyed.sequence) == (WORKSPACE, 0)
    assert read_credits(b"nonsense", b"no workspace") is None
    for number in (0, -1):
        below = read_credits(encode_credits(touches(number)), b"")
        assert isinstance(below, Unreadable)
        assert below.sequence == 0


def test_an_account_that_is_none_cannot_be_read() -> None:
    tally = Tally(
        account="nobody", kind="click", stage="consideration", quarter_at=START, counted=3
    )
    record = TouchesTallied(workspace_id=WORKSPACE, sequence=1, recorded_at=START, tallies=(tally,))
    found = read_credits(encode_credits(record), b"")
    assert isinstance(found, Unreadable)
    assert "nobody" in found.problem


def test_rows_have_a_value_for_every_column() -> None:
    entry = CreditEntry(
        model="last",
        revision=1,
        account="organic",
        amount_minor=5,
        units=1,
        currency="EUR",
        stage="purchase",
    )
    decision = DecisionCredited(
        workspace_id=WORKSPACE,
        sequence=1,
        recorded_at=START,
        decision_id=WORKSPACE,
        revision=1,
        conversion_id=WORKSPACE,
        kind="purchase",
        natural_id="1001",
        occurred_at=START,
        currency="EUR",
        person_ref="somebody",
        entries=(entry, entry),
    )
    rows = entry_rows(KnownRecord(decision, START + timedelta(hours=30)))
    named = dict(zip(ENTRY_COLUMNS, rows[1], strict=True))
    assert named["position"] == 1
    assert named["account"] == ORGANIC_ACCOUNT
    assert str(named["recorded_day"]) == "2026-03-02"
    assert tally_rows(KnownRecord(decision, START)) == []
    tally = Tally(
        account=PLACEMENT, kind="click", stage="consideration", quarter_at=START, counted=3
    )
    known = KnownRecord(
        TouchesTallied(workspace_id=WORKSPACE, sequence=1, recorded_at=START, tallies=(tally,)),
        START,
    )
    assert dict(zip(TALLY_COLUMNS, tally_rows(known)[0], strict=True))["counted"] == 3
    assert entry_rows(known) == []


def test_an_account_is_a_placement_or_organic() -> None:
    assert account_id("organic").int == 0
    assert account_id(PLACEMENT) == UUID(PLACEMENT)
    with pytest.raises(CreditsRejected, match="nobody"):
        account_id("nobody")
