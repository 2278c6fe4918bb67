"""roi as a separate process: no question waits for a full garbage collection.

Promise: collections are counted, not timed. A full collection visits every object made at the
start, which takes longer than an answer may take.
"""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Final

from services.roi.bootstrap import create_key
from shared.clock import SystemClock
from tests.e2e.installation import Installation, eventually
from tests.fixtures.postgres import DatabaseFactory
from tests.integration.roi.collection_reporter import FULL_SEARCH
from tests.integration.roi.roi_workspace import NOON, RoiWorkspace

ROOT: Final = Path(__file__).resolve().parents[3]
PLACEMENTS: Final = 10
DAYS: Final = 30
# With the collector as Python sets it up, 100 of these questions meet seven full searches.
QUESTIONS: Final = 100
QUESTION: Final = "/v1/roi?group_by=placement,day&from=2026-03-10&to=2026-04-08"


async def filled(roi_workspace: RoiWorkspace) -> None:
    """An order a day on each of ten placements: 300 rows an answer."""
    creator = await roi_workspace.creator("Mia")
    placements = [await roi_workspace.placement(creator) for _ in range(PLACEMENTS)]
    orders = [
        roi_workspace.order(4_990, NOON + timedelta(days=day), {placement: (4_990, None)})
        for day in range(DAYS)
        for placement in placements
    ]
    await roi_workspace.fold(*orders)


def searches_while_asking(roi: Installation, key: str) -> int:
    """How many full searches a hundred answers of a running roi see."""
    client = roi.client("roi", key)
    eventually(
        lambda: client.get("/health/ready").raise_for_status(), seconds=60, what="roi is ready"
    )
    log = roi.folder / "roi.log"
    before = log.read_text().count(FULL_SEARCH)
    assert before, "the one that shows that they are seen"
    for _ in range(QUESTIONS):
        answer = client.get(QUESTION).raise_for_status()
        assert len(answer.json()["rows"]) == PLACEMENTS * DAYS
    return log.read_text().count(FULL_SEARCH) - before


async def test_no_answer_waits_for_a_search_of_everything(
    fresh_database: str, database_for: DatabaseFactory, tmp_path: Path
) -> None:
    database = await database_for("roi", url=fresh_database)
    roi_workspace = await RoiWorkspace.open(database)
    await filled(roi_workspace)
    key = await create_key(
        database,
        SystemClock(),
        roi_workspace.workspace_id,
        key=None,
        scopes=["read"],
        public=False,
        name="test",
    )
    roi = Installation(tmp_path / "roi", {"LAUREL_DATABASE_URL": fresh_database})
    roi.start(
        name="roi",
        module="tests.integration.roi.collection_reporter",
        environment={"PYTHONPATH": str(ROOT)},
    )
    try:
        assert await asyncio.to_thread(searches_while_asking, roi, key) == 0, roi.output()
    finally:
        roi.stop()
