"""A change of time zone under traffic: steps are killed and another process continues them.

Promise: in the end every rollup equals that of a workspace that had the zone from its first day.
Until then every answer uses the old days and includes everything folded meanwhile.
"""

import asyncio
from typing import Any

import pytest

from services.roi.pipeline.rebuild import RollupRebuild
from services.roi.store import rebuild_rows as store
from services.roi.store.rollups import ROLLUPS
from shared.clock import SystemClock
from shared.db.engine import driver
from shared.ids import new_id
from tests.fixtures.postgres import DatabaseFactory
from tests.integration.roi.roi_workspace import NOON, RoiWorkspace
from tests.integration.roi.test_answers_hold import explain
from tests.integration.roi.test_fold import a_history, brute_force, folded, moved, rows_of

ZONE = "Asia/Kathmandu"


def a_worker(roi_workspace: RoiWorkspace, step_rows: int = 7) -> RollupRebuild:
    """The worker of a fresh process, with steps so small that a short story takes many."""
    return RollupRebuild(roi_workspace.database, SystemClock(), step_rows)


async def one_generation(roi_workspace: RoiWorkspace) -> int:
    """The generation of all rollup rows of a workspace, which must be one."""
    found: set[int] = set()
    async with roi_workspace.database.read([roi_workspace.workspace_id]) as conn:
        connection = await driver(conn)
        for table in ROLLUPS:
            rows = await connection.fetch(f"SELECT DISTINCT generation FROM roi.{table}")
            found |= {row["generation"] for row in rows}
    assert len(found) == 1
    return found.pop()


async def assert_same_rollups(roi_workspace: RoiWorkspace, other: RoiWorkspace) -> None:
    """Every rollup row of both is the same."""
    for table in ROLLUPS:
        assert await rows_of(roi_workspace, table) == await rows_of(other, table), table


async def figures(roi_workspace: RoiWorkspace) -> dict[str, Any]:
    answer = await roi_workspace.ask("day,model")
    return {name: answer[name] for name in ("rows", "organic", "totals")}


@pytest.mark.parametrize("seed", range(3))
async def test_a_rebuild_that_is_killed_goes_on_in_another_process(
    database_for: DatabaseFactory, seed: int
) -> None:
    database = await database_for("roi")
    roi_workspace, straight = (
        await RoiWorkspace.open(database),
        await RoiWorkspace.open(database, time_zone=ZONE),
    )
    old = await RoiWorkspace.open(database)
    records = a_history(roi_workspace, seed)
    await roi_workspace.fold(*records[:30])
    # Requested between two records: later, the workspace's clock would re-date the other records.
    roi_workspace.now = records[29].recorded_at
    await roi_workspace.ask_zone(ZONE)
    await old.fold(*moved(records[:30], old))
    kills, told = 0, 30
    while (await roi_workspace.ask())["meta"]["time_zone"] == "UTC":
        task = asyncio.create_task(a_worker(roi_workspace).run())
        # Longer each time: kills hit between and within steps, and the rebuild ends on any machine.
        await asyncio.sleep(0.0005 * kills)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled(), "a bug, not a kill"
        kills += 1
        if kills % 3 == 0 and told < len(records) - 1:
            for one in (roi_workspace, old):
                await one.fold(*moved(records[told : told + 1], one))
            told += 1
            answer = await roi_workspace.ask("day,model")
            if answer["meta"]["time_zone"] == "UTC":
                expected = await figures(old)
                assert {name: answer[name] for name in expected} == expected
    assert kills > 10
    await roi_workspace.fold(*records[told:])
    await roi_workspace.finish_rebuild(a_worker(roi_workspace))
    await straight.fold(*moved(records, straight))
    await assert_same_rollups(roi_workspace, straight)
    assert await folded(roi_workspace) == brute_force(roi_workspace, records, ZONE)
    assert await figures(roi_workspace) == await figures(straight)
    assert await one_generation(roi_workspace) == 1


async def test_a_rebuild_in_many_steps_equals_one_in_one_go(database_for: DatabaseFactory) -> None:
    database = await database_for("roi")
    roi_workspace, at_once = await RoiWorkspace.open(database), await RoiWorkspace.open(database)
    records = a_history(roi_workspace, 11)
    await roi_workspace.fold(*records)
    await at_once.fold(*moved(records, at_once))
    for one in (roi_workspace, at_once):
        await one.ask_zone(ZONE)
    # One step a UTC day on which something became known, at least.
    turns = await roi_workspace.finish_rebuild(a_worker(roi_workspace, step_rows=1))
    await at_once.finish_rebuild(a_worker(at_once, step_rows=1_000_000))
    assert turns > len(records)
    await assert_same_rollups(roi_workspace, at_once)


async def test_a_change_of_mind_in_between_leaves_nothing_behind(
    database_for: DatabaseFactory,
) -> None:
    database = await database_for("roi")
    roi_workspace, straight = await RoiWorkspace.open(database), await RoiWorkspace.open(database)
    records = a_history(roi_workspace, 12)
    await roi_workspace.fold(*records)
    await straight.fold(*moved(records, straight))
    worker = a_worker(roi_workspace)
    for zone in (ZONE, "America/St_Johns", "UTC"):
        await roi_workspace.ask_zone(zone)
        for _ in range(4):
            await worker.step_all()
        assert (await roi_workspace.ask())["meta"]["time_zone"] == "UTC"
    await roi_workspace.finish_rebuild(worker)
    await assert_same_rollups(roi_workspace, straight)
    assert await one_generation(roi_workspace) == 0
    await roi_workspace.ask_zone(ZONE)
    await roi_workspace.ask_zone("Pacific/Apia")
    await roi_workspace.finish_rebuild(worker)
    assert await folded(roi_workspace) == brute_force(roi_workspace, records, "Pacific/Apia")
    assert await one_generation(roi_workspace) > 0


async def test_a_workspace_without_credits_has_its_days_at_once(
    database_for: DatabaseFactory,
) -> None:
    roi_workspace = await RoiWorkspace.open(await database_for("roi"))
    await roi_workspace.ask_zone(ZONE)
    assert await roi_workspace.finish_rebuild(a_worker(roi_workspace)) == 2
    assert (await roi_workspace.ask())["meta"]["time_zone"] == ZONE
    record = roi_workspace.order(100, NOON.replace(hour=20), {"organic": (100, None)})
    await roi_workspace.fold(record)
    assert await folded(roi_workspace) == brute_force(roi_workspace, [record], ZONE)


async def test_no_step_scans_a_table(database_for: DatabaseFactory, fresh_database: str) -> None:
    database = await database_for("roi", url=fresh_database)
    zone, day = ([new_id()], [ZONE], [1]), NOON.date()
    statements: list[tuple[str, tuple[Any, ...]]] = [
        (store.NEXT_RECORDS, (new_id(), NOON, 5_000)),
        (store.NEXT_BUCKET, (new_id(), 1, day)),
        *((sql, (*zone, day, NOON, NOON)) for sql in store.ADD_STORED),
        *((sql, (new_id(), 1, day)) for sql in store.SWEEP),
    ]
    for sql, arguments in statements:
        plan = await explain(database, sql, arguments)
        assert not [line for line in plan if "Seq Scan" in line], "\n".join((sql, *plan))
