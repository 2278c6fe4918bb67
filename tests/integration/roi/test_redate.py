"""Republished credits: wrong dates of an older release are corrected, an empty roi is rebuilt.

Everything else stays unchanged.
"""

from typing import Final

import pytest

from services.roi.domain import rollup
from services.roi.pipeline import fold
from services.roi.pipeline.rebuild import RollupRebuild
from services.roi.store.rollups import ROLLUPS
from shared.clock import SystemClock
from shared.credits import AnyCredits
from shared.db.engine import driver
from tests.fixtures.postgres import DatabaseFactory
from tests.integration.roi.roi_workspace import RoiWorkspace
from tests.integration.roi.test_fold import a_history, brute_force, by_month, folded, moved, rows_of

ZONE: Final = "Asia/Kathmandu"
OF_CREDITS: Final = (
    *ROLLUPS,
    "credit_entries",
    "touch_tallies",
    "conversion_people",
    "folded_records",
    "folds",
    "waiting_credits",
)


async def fold_as_before(roi_workspace: RoiWorkspace, records: list[AnyCredits]) -> None:
    """Fold as older releases did: they dated reversals by their record."""
    rows, place = rollup.entry_rows, rollup.ENTRY_COLUMNS.index("occurred_at")

    def misdated(known: rollup.KnownRecord) -> list[rollup.Row]:
        at = getattr(known.record, "occurred_at", None)
        return [(*row[:place], at, *row[place + 1 :]) for row in rows(known)]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fold, "entry_rows", misdated)
        await roi_workspace.fold(*records)


async def assert_right(roi_workspace: RoiWorkspace, records: list[AnyCredits], zone: str) -> None:
    expected = brute_force(roi_workspace, records, zone)
    assert await folded(roi_workspace) == expected
    assert await folded(roi_workspace, "rollups_history") == expected
    assert await folded(roi_workspace, "rollups_monthly") == by_month(expected)


@pytest.mark.parametrize("seed", range(3))
async def test_rows_of_an_older_release_are_healed_by_publishing_again(
    database_for: DatabaseFactory, seed: int
) -> None:
    database = await database_for("roi")
    roi_workspace = await RoiWorkspace.open(database, time_zone=ZONE)
    straight = await RoiWorkspace.open(database, time_zone=ZONE)
    records = a_history(roi_workspace, seed)
    await fold_as_before(roi_workspace, records)
    assert await folded(roi_workspace) != brute_force(roi_workspace, records, ZONE)
    known = await rows_of(roi_workspace, "folded_records")
    # Two batches that overlap, as after a repeated call.
    await roi_workspace.fold(*records[:25])
    await roi_workspace.fold(*records[10:])
    await assert_right(roi_workspace, records, ZONE)
    assert await rows_of(roi_workspace, "folded_records") == known, "known_at and sequence stay"
    await straight.fold(*moved(records, straight))
    assert await rows_of(roi_workspace, "credit_entries") == await rows_of(
        straight, "credit_entries"
    )

    before = {table: await rows_of(roi_workspace, table) for table in OF_CREDITS}
    await roi_workspace.fold(*records)
    assert {table: await rows_of(roi_workspace, table) for table in OF_CREDITS} == before


async def test_dates_are_corrected_in_the_rollups_that_are_being_made_too(
    database_for: DatabaseFactory,
) -> None:
    roi_workspace = await RoiWorkspace.open(await database_for("roi"))
    records = a_history(roi_workspace, 5)
    await fold_as_before(roi_workspace, records)
    roi_workspace.now = records[-1].recorded_at
    await roi_workspace.ask_zone(ZONE)
    worker = RollupRebuild(roi_workspace.database, SystemClock(), 7)
    for _ in range(6):
        await worker.step_all()
    await roi_workspace.fold(*records)
    await assert_right_generation_zero(roi_workspace, records)
    await roi_workspace.finish_rebuild(worker)
    await assert_right(roi_workspace, records, ZONE)


async def assert_right_generation_zero(
    roi_workspace: RoiWorkspace, records: list[AnyCredits]
) -> None:
    """The old days still answer correctly."""
    async with roi_workspace.database.read([roi_workspace.workspace_id]) as conn:
        rows = await (await driver(conn)).fetch(
            "SELECT bucket_on, basis, sum(amount_minor)::bigint FROM roi.rollups"
            " WHERE generation = 0 GROUP BY 1, 2"
        )
        building = await (await driver(conn)).fetchval(
            "SELECT count(*) FROM roi.rollups WHERE generation <> 0"
        )
    assert building, "the other generation is half made"
    expected: dict[object, int] = {}
    for (day, basis, *_, what), value in brute_force(roi_workspace, records, "UTC").items():
        if what == "amount":
            expected[day, basis] = expected.get((day, basis), 0) + value
    found = {(row[0], row[1]): row[2] for row in rows if row[2]}
    assert found == {key: value for key, value in expected.items() if value}


async def test_an_roi_without_credits_is_rebuilt_by_publishing_again(
    database_for: DatabaseFactory,
) -> None:
    roi_workspace = await RoiWorkspace.open(await database_for("roi"))
    records = a_history(roi_workspace, 2)
    await roi_workspace.fold(*records)
    answer = await roi_workspace.ask("day,model")
    async with roi_workspace.database.write([roi_workspace.workspace_id]) as conn:
        for table in OF_CREDITS:
            await (await driver(conn)).execute(f"DELETE FROM roi.{table}")
    # The newest record comes first, as live traffic does while the rest is published again.
    await roi_workspace.fold(records[-1])
    assert roi_workspace.gaps == {roi_workspace.workspace_id: 1}
    await roi_workspace.fold(*records)
    assert roi_workspace.gaps == {}
    await assert_right(roi_workspace, records, "UTC")
    again = await roi_workspace.ask("day,model")
    for name in ("rows", "organic", "totals"):
        assert again[name] == answer[name]
