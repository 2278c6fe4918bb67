"""The fold of reports of social counts: each is stored, and the changes that follow are added up.

Promise: it runs in the transaction of a batch. Each record's changes carry the moment from which
answers include the record, so "as of" any moment is the state after a prefix of the records.
Reports of a placement that the catalog does not have are stored and change nothing.
What can go wrong: a placement that is made later starts without the reports of before. The catalog
is roi's own, so a report names a placement that is known, or one that never will be.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from services.roi.domain.rollup import FoldPlan, KnownRecord, Row
from services.roi.domain.social_counts import PlacementCounts, Told, told
from services.roi.store import count_rows as store
from services.roi.store.count_rows import Account
from services.roi.store.rollups import Workspace
from shared.concurrency import yield_control
from shared.credits import CountReport, CountsReported

# Placements whose reports one statement reads.
PLACEMENTS_MAX: Final = 50


async def fold_counts(
    conn: Any, plans: Sequence[FoldPlan], workspaces: Mapping[str, Workspace]
) -> None:
    """Store the reports of social counts in the plans, and add their changes to the rollups."""
    told_by = [
        (item, item.record)
        for plan in plans
        for item in plan.known
        if isinstance(item.record, CountsReported)
    ]
    if not told_by:
        return
    accounts = {_account(record, report) for _, record in told_by for report in record.reports}
    standing = await _standing(conn, sorted(accounts))
    reports: list[Row] = []
    changes: list[Row] = []
    for item, record in told_by:
        reports += _report_rows(item, record)
        changes += await _change_rows(item, record, standing)
    await store.store_reports(conn, reports)
    if changes:
        await store.add_changes(conn, changes, workspaces)


def _account(record: CountsReported, report: CountReport) -> Account:
    return UUID(record.workspace_id), UUID(report.placement_id)


async def _standing(conn: Any, accounts: Sequence[Account]) -> dict[Account, PlacementCounts]:
    """Return the state of each placement that the catalog has."""
    found: dict[Account, PlacementCounts] = {}
    for start in range(0, len(accounts), PLACEMENTS_MAX):
        rows = await store.standing_reports(conn, accounts[start : start + PLACEMENTS_MAX])
        for account, reports in rows.items():
            found[account] = PlacementCounts(reports)
            await yield_control()
    return found


def _report_rows(item: KnownRecord, record: CountsReported) -> list[Row]:
    return [
        (
            record.sequence,
            position,
            *_account(record, report),
            *told(report)[:-1],
            *told(report).counts,
            record.recorded_at,
            item.known_at,
            item.recorded_day,
        )
        for position, report in enumerate(record.reports)
    ]


async def _change_rows(
    item: KnownRecord, record: CountsReported, standing: Mapping[Account, PlacementCounts]
) -> list[Row]:
    """Return what a record changes, and put its reports into the state."""
    by_account: dict[Account, list[Told]] = {}
    for report in record.reports:
        by_account.setdefault(_account(record, report), []).append(told(report))
    rows: list[Row] = []
    for account, reports in by_account.items():
        if account not in standing:
            continue
        for (metric, counted_at), change in standing[account].take(reports).items():
            known = (record.recorded_at, item.known_at, item.recorded_day)
            rows.append((record.sequence, len(rows), *account, metric, counted_at, *change, *known))
        await yield_control()
    return rows
