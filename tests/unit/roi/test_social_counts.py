"""Changes of social counts: by example, and for every order, repetition and correction."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.roi.domain import social_counts as domain
from services.roi.domain.social_counts import Change, PlacementCounts, Told
from shared.credits import COUNT_NAMES
from shared.events import SocialReported

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def report(
    day: int,
    source: str = "Instagram",
    quality: Any = "observed",
    received: int | None = None,
    event_id: str = "",
    **counts: int,
) -> Told:
    """A report of counts on a day from the start; it was received on that day or another one."""
    return Told(
        source,
        quality,
        START + day * DAY,
        START + (day if received is None else received) * DAY,
        event_id or f"{source} {quality} {day} {received} {sorted(counts.items())}",
        tuple(counts.get(name) for name in COUNT_NAMES),
    )


def days_of(counts: PlacementCounts, metric: str) -> dict[int, int]:
    """The change of a metric by day from the start."""
    return {
        (counted_at - START) // DAY: change.change
        for (name, counted_at), change in counts.changes.items()
        if name == metric
    }


def test_an_event_and_a_record_name_the_same_counts() -> None:
    assert set(COUNT_NAMES) <= set(SocialReported.__struct_fields__)


def test_a_change_is_the_difference_to_the_report_before() -> None:
    """100 likes on the first day, 130 on the third: 30 came by then."""
    counts = PlacementCounts([report(0, likes=100), report(2, likes=130), report(3, likes=130)])
    assert days_of(counts, "likes") == {0: 100, 2: 30, 3: 0}
    assert days_of(counts, "views") == {}


def test_a_late_report_divides_the_change_after_it() -> None:
    counts = PlacementCounts([report(0, likes=100), report(2, likes=130)])
    changed = counts.take([report(1, likes=120)])
    assert changed == {
        ("likes", START + DAY): Change(20, 1, 0),
        ("likes", START + 2 * DAY): Change(-20, 0, 0),
    }
    assert days_of(counts, "likes") == {0: 100, 1: 20, 2: 10}


def test_a_missing_count_is_left_out_and_is_not_zero() -> None:
    counts = PlacementCounts(
        [report(0, likes=100, views=5), report(1, views=9), report(2, likes=110)]
    )
    assert days_of(counts, "likes") == {0: 100, 2: 10}
    assert days_of(counts, "views") == {0: 5, 1: 4}


def test_a_report_of_zero_is_known() -> None:
    assert PlacementCounts([report(0, likes=0)]).changes == {("likes", START): Change(0, 1, 0)}


def test_a_count_that_falls_is_a_negative_change() -> None:
    counts = PlacementCounts([report(0, likes=100), report(1, likes=70)])
    assert counts.changes["likes", START + DAY] == Change(-30, 1, -30)
    # A correction of the first report: it never was above 70.
    assert counts.take([report(0, received=2, likes=65)]) == {
        ("likes", START): Change(-35, 0, 0),
        ("likes", START + DAY): Change(35, 0, 30),
    }


def test_a_correction_counts_as_a_whole() -> None:
    """What the corrected report does not tell any more is missing."""
    counts = PlacementCounts([report(0, likes=100, views=900), report(0, received=1, likes=90)])
    assert days_of(counts, "likes") == {0: 90}
    assert days_of(counts, "views") == {}


def test_a_report_without_counts_takes_back_what_its_source_told_for_this_moment() -> None:
    counts = PlacementCounts([report(0, likes=100), report(1, likes=130)])
    assert counts.take([report(1, received=2)]) == {("likes", START + DAY): Change(-30, -1, 0)}
    assert days_of(counts, "likes") == {0: 100}
    counts.take([report(0, received=2)])
    assert counts.changes == {}
    counts.take([report(1, received=3, likes=130)])
    assert days_of(counts, "likes") == {1: 130}


def test_the_last_word_of_a_source_counts_also_when_it_was_said_before() -> None:
    first = report(0, received=0, event_id="a", likes=10)
    other = report(0, received=1, event_id="b", likes=20)
    again = first._replace(received_at=START + 2 * DAY)
    for order in ([first, other, again], [again, first, other], [other, again, first]):
        counts = PlacementCounts()
        for told in order:
            counts.take([told])
        assert days_of(counts, "likes") == {0: 10}


def test_of_two_reports_received_together_the_id_decides() -> None:
    one, two = [report(0, event_id=name, likes=n) for name, n in (("a", 1), ("b", 2))]
    assert PlacementCounts([one, two]).changes == PlacementCounts([two, one]).changes
    assert days_of(PlacementCounts([two, one]), "likes") == {0: 2}


def test_the_best_quality_counts_then_the_newest_then_the_first_name() -> None:
    agency = [report(day, "Agency", "manual", likes=50 + day) for day in range(9)]
    guess = [report(day, "Guess", "estimated", likes=900, saves=4) for day in range(9)]
    early = [report(0, "Instagram", "observed", likes=40)]
    assert days_of(PlacementCounts([*agency, *guess, *early]), "likes") == {0: 40}
    assert days_of(PlacementCounts([*agency, *guess]), "likes") == {0: 50} | dict.fromkeys(
        range(1, 9), 1
    )
    # Per metric: nobody else told the saves.
    assert days_of(PlacementCounts([*agency, *guess, *early]), "saves")[0] == 4
    newer = [report(1, "B", likes=3), report(2, "A", likes=5), report(2, "C", likes=7)]
    assert days_of(PlacementCounts(newer), "likes") == {2: 5}
    # The quality of a source is that of its newest count.
    worse = [*newer, report(3, "A", "estimated", likes=6)]
    assert days_of(PlacementCounts(worse), "likes") == {2: 7}


def test_of_too_many_reports_the_newest_are_looked_at(monkeypatch: Any) -> None:
    """The total stays; what was counted before lies on the oldest moment that is looked at."""
    monkeypatch.setattr(domain, "REPORTS_MAX", 3)
    counts = PlacementCounts()
    for day in range(6):
        counts.take([report(day, likes=10 * day + 10)])
    assert days_of(counts, "likes") == {3: 40, 4: 10, 5: 10}
    assert counts.take([report(0, received=9, likes=1)]) == {}


REPORTS = st.lists(
    st.builds(
        report,
        st.integers(0, 4),
        st.sampled_from(["Instagram", "Agency", "Guess"]),
        st.sampled_from(["observed", "manual", "estimated"]),
        st.integers(0, 3),
        likes=st.integers(0, 9),
        views=st.integers(0, 9),
    )
    | st.builds(report, st.integers(0, 4), views=st.integers(0, 9)),
    max_size=12,
)


def expected(reports: Sequence[Told], metric: str) -> dict[datetime, int]:
    """The changes of a metric, found in another way: from all reports at once."""
    place = COUNT_NAMES.index(metric)
    standing: dict[tuple[str, datetime], Told] = {}
    for told in sorted(reports, key=lambda one: (one.received_at, one.event_id)):
        standing[told.source, told.counted_at] = told
    telling = [told for told in standing.values() if told.counts[place] is not None]
    newest = {told.source: told for told in sorted(telling, key=lambda one: one.counted_at)}
    order = ("observed", "manual", "estimated")
    ranked = sorted(
        newest.values(),
        key=lambda one: (order.index(one.quality), START - one.counted_at, one.source),
    )
    if not ranked:
        return {}
    line = sorted(
        (told.counted_at, told.counts[place] or 0)
        for told in telling
        if told.source == ranked[0].source
    )
    steps = pairwise([(START, 0), *line])
    return {moment: count - before for (_, before), (moment, count) in steps}


@given(REPORTS, st.randoms(use_true_random=False), st.integers(1, 4))
def test_any_order_repeated_and_corrected_gives_the_same_changes(
    reports: list[Told], random: Any, size: int
) -> None:
    again = [*reports, *random.sample(reports, len(reports) // 2)]
    random.shuffle(again)
    counts = PlacementCounts()
    sums: dict[tuple[str, datetime], list[int]] = {}
    for start in range(0, len(again), size):
        for slot, change in counts.take(again[start : start + size]).items():
            sums[slot] = [sum(pair) for pair in zip(sums.get(slot, (0, 0, 0)), change, strict=True)]
    found = {slot: Change(*total) for slot, total in sums.items() if any(total)}
    assert found == dict(counts.changes) == dict(PlacementCounts(reports).changes)
    for metric in COUNT_NAMES:
        of_metric = {at: one.change for (name, at), one in found.items() if name == metric}
        assert of_metric == expected(reports, metric)
