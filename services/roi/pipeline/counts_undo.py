"""The undo of an import of social counts: its reports do not count any more.

What their sources had told before for the same moments counts again.

Promise: it runs in the transaction that archives the import, under the lock of the workspace. After
it the changes of a placement are those of the set of its reports without those of undone imports.
The rows that it writes are differences, known at the moment of the undo, so `as_of` any moment
before still shows the counts. Reports of the import that are folded later change nothing (see
`counts_fold`).
What can go wrong: `TooManyPlacements`, when callers gave the id of the import to other reports.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from services.roi.domain.rollup import Row
from services.roi.domain.social_counts import Changes, PlacementCounts, differences
from services.roi.pipeline.counts_fold import PLACEMENTS_MAX
from services.roi.store import count_rows as store
from services.roi.store.count_rows import Account
from services.roi.store.rollups import workspaces_of
from shared.concurrency import yield_control

# As many as the rows of one file.
UNDO_PLACEMENTS_MAX: Final = 2_000


class TooManyPlacements(Exception):
    """The reports of an import are about more placements than one file can name."""


@dataclass
class Undone:
    """What an undo did: reports that do not count any more, and others that count again."""

    withdrawn: int = 0
    restored: int = 0


async def undo_counts(pg: Any, workspace_id: str, import_id: str, known_at: datetime) -> Undone:
    """Take back the reports of an import. Call it before the import is archived."""
    accounts = await store.placements_of_import(
        pg, workspace_id, import_id, UNDO_PLACEMENTS_MAX + 1
    )
    if len(accounts) > UNDO_PLACEMENTS_MAX:
        raise TooManyPlacements
    undone, changes = Undone(), dict[Account, Changes]()
    for start in range(0, len(accounts), PLACEMENTS_MAX):
        some = accounts[start : start + PLACEMENTS_MAX]
        before = await store.standing_reports(pg, some)
        after = await store.standing_reports(pg, some, without_import=import_id)
        for account in before:
            counts, left = PlacementCounts(before[account]), PlacementCounts(after[account])
            withdrawn, restored = counts.replaced(left)
            undone.withdrawn += withdrawn
            undone.restored += restored
            changes[account] = differences(counts.changes, left.changes)
            await yield_control()
    await _write(pg, workspace_id, changes, known_at)
    return undone


async def _write(
    pg: Any, workspace_id: str, changes: Mapping[Account, Changes], known_at: datetime
) -> None:
    if not any(changes.values()):
        return
    workspaces = await workspaces_of(pg, [workspace_id])
    sequence = workspaces[workspace_id].state.sequence
    position = await store.note_undo(pg, workspace_id, sequence, known_at)
    known = known_at, known_at, known_at.astimezone(UTC).date()
    rows: list[Row] = []
    for account, of_account in changes.items():
        for (metric, counted_at), change in of_account.items():
            slot = sequence, position + len(rows), *account, metric, counted_at
            rows.append((*slot, *change, *known))
    await store.add_changes(pg, rows, workspaces)
