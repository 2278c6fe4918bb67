"""The fold of reports of social counts: each is stored, and the changes that follow are added up.

Promise: it runs in the transaction of a batch. Each record's changes carry the moment from which
answers include the record, so "as of" any moment is the state after a prefix of the records.
Reports of a placement that the catalog does not have are stored and change nothing.
A report of an import that was undone is stored and changes nothing.
What can go wrong: a placement that is made later starts without the reports of before. The catalog
is roi's own, so a report names a placement that is known, or one that never will be.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, Final
from uuid import UUID

from services.roi.domain.rollup import FoldPlan, KnownRecord, Row
from services.roi.domain.social_counts import PlacementCounts, Told, told
from services.roi.store import count_rows as store
from services.roi.store.count_rows import Account
from services.roi.store.rollups import Workspace
from shared.concurrency import yield_control
from shared.credits import CountReport, CountsReported
from shared.db.engine import driver

# Placements whose reports are in memory at once, and read by one statement.
PLACEMENTS_MAX: Final = 50

# What one record tells of one placement.
_Part = tuple[KnownRecord, CountsReported, list[Told]]


async def fold_counts(
    conn: Any, plans: Sequence[FoldPlan], workspaces: Mapping[str, Workspace]
) -> None:
    """Store the reports of social counts in the plans, and add their changes to the rollups."""
    records = [
        (item, item.record)
        for plan in plans
        for item in plan.known
        if isinstance(item.record, CountsReported)
    ]
    if not records:
        return
    pg = await driver(conn)
    undone = await _undone_imports(pg, [record for _, record in records])
    changes = await _changes(pg, _by_account(records, undone))
    await store.store_reports(
        pg, [row for item, record in records for row in _report_rows(item, record)]
    )
    if changes:
        await store.add_changes(pg, changes, workspaces)


async def _undone_imports(pg: Any, records: Sequence[CountsReported]) -> set[tuple[str, str]]:
    """Return workspace and id of each import that reports name and that was undone."""
    named = {one.import_id for record in records for one in record.reports if one.import_id}
    if not named:
        return set()
    return await store.undone_imports(pg, [record.workspace_id for record in records], named)


def _by_account(
    records: Iterable[tuple[KnownRecord, CountsReported]], undone: Collection[tuple[str, str]]
) -> dict[Account, list[_Part]]:
    """Return what each record tells of each placement, in the order of the records."""
    found: defaultdict[Account, list[_Part]] = defaultdict(list)
    for item, record in records:
        reports: defaultdict[Account, list[Told]] = defaultdict(list)
        for report in record.reports:
            if (record.workspace_id, report.import_id) not in undone:
                reports[_account(record, report)].append(told(report))
        for account, of_account in reports.items():
            found[account].append((item, record, of_account))
    return dict(sorted(found.items()))


async def _changes(pg: Any, parts: Mapping[Account, Sequence[_Part]]) -> list[Row]:
    """Return what the records change, for some placements at a time."""
    rows: list[Row] = []
    numbers: Counter[tuple[str, int]] = Counter()
    accounts = iter(parts)
    while some := list(islice(accounts, PLACEMENTS_MAX)):
        standing = await store.standing_reports(pg, some)
        for account in some:
            if account in standing:
                rows += _change_rows(account, standing[account], parts[account], numbers)
                await yield_control()
    return rows


def _account(record: CountsReported, report: CountReport) -> Account:
    return UUID(record.workspace_id), UUID(report.placement_id)


def _report_rows(item: KnownRecord, record: CountsReported) -> list[Row]:
    return [
        (
            record.sequence,
            position,
            *_account(record, report),
            *told(report)[:-1],
            *told(report).counts,
            report.import_id,
            record.recorded_at,
            item.known_at,
            item.recorded_day,
        )
        for position, report in enumerate(record.reports)
    ]


def _change_rows(
    account: Account,
    standing: Iterable[Told],
    parts: Iterable[_Part],
    numbers: Counter[tuple[str, int]],
) -> list[Row]:
    """Return what the records change at one placement; `numbers` counts the rows of each record."""
    rows: list[Row] = []
    counts = PlacementCounts(standing)
    for item, record, reports in parts:
        place = record.workspace_id, record.sequence
        known = record.recorded_at, item.known_at, item.recorded_day
        for (metric, counted_at), change in counts.take(reports).items():
            slot = record.sequence, numbers[place], *account, metric, counted_at
            rows.append((*slot, *change, *known))
            numbers[place] += 1
    return rows
