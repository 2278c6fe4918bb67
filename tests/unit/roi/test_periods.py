"""Periods of facts: a correction restates, a dated change begins a row; no overlap and no gap."""

import itertools
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.roi.domain.entity import Version
from services.roi.domain.periods import corrected, row_from

DATED = frozenset({"creator_id"})
MARCH = datetime(2026, 3, 1, tzinfo=UTC)
JUNE = datetime(2026, 6, 1, tzinfo=UTC)
ONE: tuple[Version, ...] = (Version({"creator_id": "a", "format": "short"}),)


def test_a_change_from_a_date_on_splits_the_row_that_covers_it() -> None:
    rows, place = row_from(ONE, JUNE)
    rows = corrected(rows, place, {"creator_id": "b", "format": "short"}, DATED)
    assert [(row.valid_from, row.valid_to, row.facts["creator_id"]) for row in rows] == [
        (None, JUNE, "a"),
        (JUNE, None, "b"),
    ]


def test_a_correction_reaches_all_rows_but_leaves_dated_facts() -> None:
    rows, place = row_from(ONE, JUNE)
    rows = corrected(rows, place, {"creator_id": "b", "format": "long"}, DATED)
    assert [row.facts for row in rows] == [
        {"creator_id": "a", "format": "long"},
        {"creator_id": "b", "format": "long"},
    ]


def test_a_row_that_begins_there_is_taken_and_none_is_the_first() -> None:
    rows, _ = row_from(ONE, JUNE)
    assert row_from(rows, JUNE) == (rows, 1)
    assert row_from(rows, None) == (rows, 0)
    split, place = row_from(rows, MARCH)
    assert place == 1
    assert [row.valid_from for row in split] == [None, MARCH, JUNE]


def test_a_moment_in_no_row_is_refused() -> None:
    with pytest.raises(ValueError, match="no version covers this moment"):
        row_from((Version({}, MARCH, JUNE),), JUNE)


@given(st.lists(st.datetimes(timezones=st.just(UTC)), max_size=8))
def test_rows_always_tile_all_time(moments: list[datetime]) -> None:
    rows = ONE
    for number, moment in enumerate(moments):
        rows, place = row_from(rows, moment)
        rows = corrected(rows, place, {"creator_id": str(number), "format": "short"}, DATED)
        assert rows[place].valid_from == moment
    assert rows[0].valid_from is None
    assert rows[-1].valid_to is None
    for before, after in itertools.pairwise(rows):
        assert before.valid_to == after.valid_from
        assert after.valid_from is not None
        assert before.valid_from is None or before.valid_from < after.valid_from
