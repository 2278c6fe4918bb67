"""From reports of social counts to changes: which source counts, and on which moment. Pure.

A report tells the counts of a placement from its beginning on. Changes are what answers sum: of
each metric, the difference to the report before.

Promise: the changes of a placement follow from the set of its reports, in whatever order they came.
Per metric one source counts: the one whose newest count is observed, before manual, before
estimated; then the one with the newest count; then the first by name. Of the reports of one source
for one moment, the one with the greatest (`received_at`, `event_id`) counts, as a whole. A count
that is missing is left out: the difference is to the last report that tells it. A count that falls
is a negative change. The changes of a metric add up to its newest count. Reach is told of one
placement: a sum over placements counts the people whom they have in common again, so it is gross.
Of more than `REPORTS_MAX` reports of a placement, the newest are looked at: what was counted before
lies on the moment of the oldest of them.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final, NamedTuple

from shared.credits import COUNT_NAMES, CountReport
from shared.events import CountQuality

# Daily reports of three sources for nearly two years.
REPORTS_MAX: Final = 2_000
_RANKS: Final[Mapping[CountQuality, int]] = {"observed": 0, "manual": 1, "estimated": 2}


class Told(NamedTuple):
    """What one report tells; `counts` are in the order of `COUNT_NAMES`, None where missing."""

    source: str
    quality: CountQuality
    counted_at: datetime
    received_at: datetime
    event_id: str
    counts: tuple[int | None, ...]

    @property
    def place(self) -> tuple[str, datetime]:
        """The source and the moment, for which one report counts."""
        return self.source, self.counted_at

    @property
    def version(self) -> tuple[datetime, str]:
        """The greatest one of a place counts."""
        return self.received_at, self.event_id


class Change(NamedTuple):
    """What one report adds to a metric: the difference, itself as 1, and how far it falls.

    `fallen` is the difference where it is negative, else 0.
    """

    change: int
    reports: int
    fallen: int

    def minus(self, other: "Change") -> "Change":
        """Return the difference to another one."""
        return Change(
            self.change - other.change, self.reports - other.reports, self.fallen - other.fallen
        )


NOTHING: Final = Change(0, 0, 0)
Changes = Mapping[tuple[str, datetime], Change]
"""The changes of a placement by metric and moment."""


def differences(before: Changes, after: Changes) -> Changes:
    """Return by how much each change differs from the one before."""
    found = {
        slot: after.get(slot, NOTHING).minus(before.get(slot, NOTHING))
        for slot in sorted(before.keys() | after.keys())
    }
    return {slot: change for slot, change in found.items() if change != NOTHING}


def told(report: CountReport) -> Told:
    """Return what a report of a record tells."""
    return Told(
        report.source,
        report.quality,
        report.counted_at,
        report.received_at,
        report.event_id,
        tuple(getattr(report.counts, name) for name in COUNT_NAMES),
    )


class PlacementCounts:
    """The reports of one placement of which each counts at its place, and their changes."""

    def __init__(self, reports: Iterable[Told] = ()) -> None:
        self._standing: dict[tuple[str, datetime], Told] = {}
        for report in reports:
            self._keep(report)
        self.changes: Changes = self._computed()

    def _keep(self, report: Told) -> bool:
        """Put a report at its place; return whether it changes what stands there."""
        before = self._standing.get(report.place)
        if before is not None and before.version >= report.version:
            return False
        self._standing[report.place] = report
        return before is None or before[:3] + before[5:] != report[:3] + report[5:]

    def take(self, reports: Iterable[Told]) -> Changes:
        """Add reports; return by how much each change differs from the one before."""
        if not sum(self._keep(report) for report in reports):
            return {}
        before, self.changes = self.changes, self._computed()
        return differences(before, self.changes)

    def replaced(self, after: "PlacementCounts") -> tuple[int, int]:
        """Return how many of these reports do not count in `after`, and how many others do there.

        The others count for the same source and moment as one that does not.
        """
        gone = [
            place
            for place, report in self._standing.items()
            if after._standing.get(place) != report
        ]
        return len(gone), sum(place in after._standing for place in gone)

    def _computed(self) -> Changes:
        # The newest first; of one moment by the name of the source, as they are read.
        ordered = sorted(self._standing.values(), key=lambda one: one.source)
        ordered.sort(key=lambda one: one.counted_at, reverse=True)
        newest = ordered[:REPORTS_MAX]
        self._standing = {report.place: report for report in newest}
        found: dict[tuple[str, datetime], Change] = {}
        for place, metric in enumerate(COUNT_NAMES):
            last = 0
            for report in reversed(_source_that_counts(newest, place)):
                count = report.counts[place]
                assert count is not None
                change, last = count - last, count
                found[metric, report.counted_at] = Change(change, 1, min(change, 0))
        return found


def _source_that_counts(newest_first: Iterable[Told], place: int) -> list[Told]:
    """Return the reports with a count of the source that counts; none when nobody tells it."""
    by_source: defaultdict[str, list[Told]] = defaultdict(list)
    for report in newest_first:
        if report.counts[place] is not None:
            by_source[report.source].append(report)
    if not by_source:
        return []
    # `min` keeps the first of equals, and the sources are in the order of their names.
    named = [by_source[name] for name in sorted(by_source)]
    best = min(_RANKS[reports[0].quality] for reports in named)
    ranked = [reports for reports in named if _RANKS[reports[0].quality] == best]
    return max(ranked, key=lambda reports: reports[0].counted_at)
