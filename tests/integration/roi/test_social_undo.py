"""The undo of imports of counts in the fold: any sequence gives the changes of what stands.

Promise: the fold, the undo, the rebuild and the answers are those of the product. What should stand
is computed here, from all reports at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final, cast

import pytest

from services.roi.domain.entity import Version
from services.roi.domain.social_counts import PlacementCounts, Told, told
from services.roi.pipeline import counts_undo
from services.roi.routes.import_undo import undo_import
from services.roi.routes.resource import Work
from services.roi.store.catalog import Writer
from shared.credits import AnyCredits, CountsReported
from shared.db.engine import driver
from shared.db.migrate import move_history
from shared.http.problems import Problem
from shared.ids import new_id
from tests.fixtures.postgres import DatabaseFactory
from tests.integration.roi.roi_workspace import NOON, RoiWorkspace
from tests.integration.roi.test_social_counts import by_day

DAY: Final = timedelta(days=1)
STEPS: Final = 24


@pytest.fixture
async def roi_workspace(database_for: DatabaseFactory) -> RoiWorkspace:
    return await RoiWorkspace.open(await database_for("roi"))


async def an_import(roi_workspace: RoiWorkspace) -> str:
    return await roi_workspace.put("import", {"what": "social", "rows": 1})


async def undo(roi_workspace: RoiWorkspace, import_id: str) -> Mapping[str, Any]:
    """Undo an import as DELETE does; return what was done."""
    async with roi_workspace.database.write([roi_workspace.workspace_id]) as conn:
        writer = await Writer.begin(conn, roi_workspace.workspace_id, roi_workspace.tick())
        # The undo of counts needs no other part of the service.
        undone = await undo_import(Work(cast(Any, None), writer), import_id)
    done: Mapping[str, Any] = undone.latest.facts["undo"]
    return {name: done[name] for name in ("withdrawn", "restored")}


async def test_what_a_source_told_before_counts_again(roi_workspace: RoiWorkspace) -> None:
    reel = await roi_workspace.placement(await roi_workspace.creator("Mia"))
    first, second = await an_import(roi_workspace), await an_import(roi_workspace)
    report = roi_workspace.counted
    await roi_workspace.fold(report(reel, NOON, views=100))
    before = roi_workspace.now
    await roi_workspace.fold(
        report(reel, NOON, import_id=first, views=150),
        report(reel, NOON + DAY, import_id=first, views=180),
        report(reel, NOON + DAY, import_id=second, views=190),
    )
    imported = roi_workspace.now
    all_days = {"2026-03-10": 150, "2026-03-11": 40}
    assert await by_day(roi_workspace, "views") == all_days
    assert await undo(roi_workspace, first) == {"withdrawn": 1, "restored": 1}
    undone = roi_workspace.now
    left = {"2026-03-10": 100, "2026-03-11": 90}
    assert await by_day(roi_workspace, "views") == left
    assert await undo(roi_workspace, first) == {"withdrawn": 1, "restored": 1}, "it was undone"
    assert await undo(roi_workspace, second) == {"withdrawn": 1, "restored": 0}
    assert await by_day(roi_workspace, "views") == {"2026-03-10": 100}
    for moment, days in (
        (before, {"2026-03-10": 100}),
        (imported, all_days),
        (undone, left),
        (roi_workspace.now, {"2026-03-10": 100}),
    ):
        assert await by_day(roi_workspace, "views", as_of=moment) == days


async def test_an_answer_names_the_last_record_also_after_an_undo(
    roi_workspace: RoiWorkspace,
) -> None:
    reel = await roi_workspace.placement(await roi_workspace.creator("Mia"))
    file = await an_import(roi_workspace)
    await roi_workspace.fold(roi_workspace.counted(reel, NOON, import_id=file, views=7))
    counted = (await roi_workspace.ask())["meta"]
    await undo(roi_workspace, file)
    taken_back = await roi_workspace.ask()
    assert taken_back["meta"]["sequence"] == counted["sequence"] == 1
    assert taken_back["meta"]["fresh_to"] > counted["fresh_to"]
    assert taken_back["totals"]["views"] is None
    then = await roi_workspace.ask(as_of=datetime.fromisoformat(counted["as_of"]))
    assert then["totals"]["views"] == 7


async def test_a_report_of_an_undone_import_changes_nothing_whenever_it_comes(
    roi_workspace: RoiWorkspace,
) -> None:
    reel = await roi_workspace.placement(await roi_workspace.creator("Mia"))
    file = await an_import(roi_workspace)
    early = roi_workspace.counted(reel, NOON, import_id=file, views=50)
    await roi_workspace.fold(early)
    await undo(roi_workspace, file)
    late = roi_workspace.counted(reel, NOON + DAY, import_id=file, views=90)
    other = roi_workspace.counted(reel, NOON + DAY, views=10)
    await roi_workspace.fold(late, other)
    assert await by_day(roi_workspace, "views") == {"2026-03-11": 10}
    # The records are read again, into empty tables, as after a replay into another database.
    async with roi_workspace.database.write([roi_workspace.workspace_id]) as conn:
        pg = await driver(conn)
        for table in (
            "social_counts",
            "count_changes",
            "count_rollups",
            "count_rollups_monthly",
            "count_rollups_history",
            "folded_records",
            "folds",
        ):
            await pg.execute(f"DELETE FROM roi.{table}")
    await roi_workspace.fold(early, late, other)
    assert await by_day(roi_workspace, "views") == {"2026-03-11": 10}
    # The import that another brand undid is not this brand's.
    elsewhere = await RoiWorkspace.open(roi_workspace.database)
    own = await elsewhere.placement(await elsewhere.creator("Leo"))
    await elsewhere.fold(elsewhere.counted(own, NOON, import_id=file, views=3))
    assert await by_day(elsewhere, "views") == {"2026-03-10": 3}


@dataclass
class Story:
    """One brand with two placements, and every report that was folded, with its import."""

    brand: RoiWorkspace
    placements: list[str]
    imports: list[str]
    random: Random
    reports: list[tuple[str, Told, str | None]] = field(default_factory=list)
    undone: set[str] = field(default_factory=set)

    def record(self) -> AnyCredits:
        """A report of some import or of none; some are the last word of before, said again."""
        draw = self.random
        record = self.brand.counted(
            draw.choice(self.placements),
            NOON + draw.randrange(4) * DAY,
            received_at=NOON + draw.randrange(40) * DAY,
            source=draw.choice(["Instagram", "Agency"]),
            quality=draw.choice(["observed", "manual"]),
            import_id=draw.choice([None, *self.imports]),
            **{name: draw.randrange(100) for name in draw.sample(["views", "likes"], 1)},
        )
        assert isinstance(record, CountsReported)
        (report,) = record.reports
        self.reports.append((report.placement_id, told(report), report.import_id))
        return record

    def expected(self, metric: str) -> dict[str, int]:
        """The changes by day of the reports that stand, from all of them at once."""
        found: dict[str, int] = {}
        for placement in self.placements:
            standing = [
                report
                for account, report, import_id in self.reports
                if account == placement and import_id not in self.undone
            ]
            for (name, counted_at), change in PlacementCounts(standing).changes.items():
                if name == metric:
                    day = f"{counted_at:%Y-%m-%d}"
                    found[day] = found.get(day, 0) + change.change
        return found


@pytest.mark.parametrize("seed", range(4))
async def test_any_sequence_of_reports_and_undos_gives_the_changes_of_what_stands(
    roi_workspace: RoiWorkspace, seed: int
) -> None:
    """Also `as_of` each moment, in the rollups of another zone, and when the undo is the last."""
    mia = await roi_workspace.creator("Mia")
    story = Story(
        roi_workspace,
        [await roi_workspace.placement(mia) for _ in range(2)],
        [await an_import(roi_workspace) for _ in range(5)],
        Random(seed),
    )
    known: list[tuple[datetime, dict[str, dict[str, int]]]] = []
    for step in range(STEPS):
        holding = [one for one in story.imports if one not in story.undone]
        if holding and (step == STEPS - 1 or story.random.random() < 0.2):
            gone = story.random.choice(holding)
            await undo(roi_workspace, gone)
            story.undone.add(gone)
        else:
            await roi_workspace.fold(*(story.record() for _ in range(story.random.randint(1, 3))))
        expected = {name: story.expected(name) for name in ("views", "likes")}
        assert {name: await by_day(roi_workspace, name) for name in expected} == expected
        known.append((roi_workspace.now, expected))
    for moment, expected in known:
        told_then = {name: await by_day(roi_workspace, name, as_of=moment) for name in expected}
        assert told_then == expected
    # Noon is on the same day there.
    await roi_workspace.change_zone("Europe/Berlin")
    assert {name: await by_day(roi_workspace, name) for name in known[-1][1]} == known[-1][1]


async def test_an_import_with_reports_about_too_many_placements_is_not_undone(
    roi_workspace: RoiWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    mia = await roi_workspace.creator("Mia")
    reels = [await roi_workspace.placement(mia) for _ in range(3)]
    file = await an_import(roi_workspace)
    await roi_workspace.fold(
        *(roi_workspace.counted(reel, NOON, import_id=file, views=1) for reel in reels)
    )
    monkeypatch.setattr(counts_undo, "UNDO_PLACEMENTS_MAX", 2)
    with pytest.raises(Problem) as refused:
        await undo(roi_workspace, file)
    assert [error.field for error in refused.value.errors] == ["import_id"]
    assert (await roi_workspace.ask())["totals"]["views"] == 3
    monkeypatch.setattr(counts_undo, "PLACEMENTS_MAX", 2)
    monkeypatch.setattr(counts_undo, "UNDO_PLACEMENTS_MAX", 3)
    assert await undo(roi_workspace, file) == {"withdrawn": 3, "restored": 0}
    assert (await roi_workspace.ask())["totals"]["views"] is None


async def test_the_migration_back_and_again_keeps_what_stands(
    fresh_database: str, database_for: DatabaseFactory
) -> None:
    """The imports of counts are forgotten; the reports that are left give the same figures."""
    roi_workspace = await RoiWorkspace.open(await database_for("roi", url=fresh_database))
    reel = await roi_workspace.placement(await roi_workspace.creator("Mia"))
    gone, kept = await an_import(roi_workspace), await an_import(roi_workspace)
    await roi_workspace.put("import", Version({"what": "costs", "rows": 1}))
    await roi_workspace.fold(
        roi_workspace.counted(reel, NOON, views=10),
        roi_workspace.counted(reel, NOON + DAY, import_id=kept, views=30),
        roi_workspace.counted(reel, NOON + DAY, import_id=gone, views=90),
    )
    counted = roi_workspace.now
    await undo(roi_workspace, gone)
    for revision in ("0017", "head"):
        await roi_workspace.database.close()
        await move_history(fresh_database, "roi", revision)
        roi_workspace.database = await database_for("roi", url=fresh_database)
    assert await by_day(roi_workspace, "views") == {"2026-03-10": 10, "2026-03-11": 20}
    assert (await roi_workspace.ask())["meta"]["sequence"] == 3
    assert (await by_day(roi_workspace, "views", as_of=counted))["2026-03-11"] == 80
    await roi_workspace.fold(roi_workspace.counted(reel, NOON + 2 * DAY, views=31))
    await roi_workspace.change_zone("Europe/Berlin")
    assert sum((await by_day(roi_workspace, "views")).values()) == 31
    async with roi_workspace.database.read([roi_workspace.workspace_id]) as conn:
        imports = await Writer.of(conn, roi_workspace.workspace_id)
        assert await imports.find("import", kept) is None
        assert await imports.find("import", new_id()) is None
