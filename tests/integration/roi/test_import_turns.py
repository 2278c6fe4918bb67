"""An import lets other requests have their turn, however large its file and its brand are.

Promise: HTTP and Postgres are real. What is measured is the processor time of the event loop
between two of its turns, so a busy machine changes nothing.
"""

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Final

import pytest

from services.roi.store.import_rows import NAMES_MAX
from services.roi.wire.import_shapes import ROWS_MAX
from tests.fixtures.connections import connect
from tests.integration.roi.roi_service import BrandClient, brand_running
from tests.integration.roi.test_imports import counts, imported, tried, two_creators

HELD_SECONDS: Final = 0.25
HEAD: Final = "platform,creator,url\n"
ADDRESS: Final = "https://www.instagram.com/reel/{:06}-abcdefghijklmnopqrstuvwxyz?igsh=abcdefghij"
# A host of all different Chinese characters takes longest to read: 6 ms.
LONG_HOST: Final = "".join(chr(0x4E00 + place) for place in range(1_900))
# Placements with addresses of their own, nearly as many as an import looks at for a name.
FILL: Final = """
WITH made AS (
    INSERT INTO roi.entities
           (id, workspace_id, entity, external_id, created_at, revision, recorded_at)
    SELECT gen_random_uuid(), $1, 'placement', 'old-' || number, now(), 1, now()
    FROM generate_series(1, $2) AS number RETURNING id, external_id
)
INSERT INTO roi.versions (entity_id, workspace_id, entity, period, recorded_at, facts)
SELECT made.id, $1, 'placement', 0, now(), copied.facts || jsonb_build_object(
    'url', 'https://www.instagram.com/reel/' || made.external_id || '/?igsh=1')
FROM made CROSS JOIN (
    SELECT facts FROM roi.versions WHERE workspace_id = $1 AND facts ->> 'url' IS NOT NULL LIMIT 1
) AS copied
"""


@pytest.fixture
async def brand(owner_url: str) -> AsyncIterator[BrandClient]:
    async with brand_running(owner_url) as client:
        yield client


@pytest.fixture
def collected() -> Iterator[None]:
    """Leave what the tests made before to no collection, as a service does at its start."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@asynccontextmanager
async def turns() -> AsyncIterator[list[float]]:
    """Yield a list that gets the processor seconds between two turns of the loop."""
    held: list[float] = []

    async def measure() -> None:
        before = time.thread_time()
        while True:
            await asyncio.sleep(0)
            now = time.thread_time()
            held.append(now - before)
            before = now

    measuring = asyncio.create_task(measure())
    yield held
    measuring.cancel()


@pytest.mark.usefixtures("collected")
async def test_no_step_of_an_import_or_its_undo_holds_the_others(
    brand: BrandClient, owner_url: str
) -> None:
    await two_creators(brand)
    rows = [f"instagram,Mia,{ADDRESS.format(number)}\n" for number in range(ROWS_MAX)]
    hosts = [f"blog,Mia,https://{LONG_HOST}{number}.example/\n" for number in range(45)]
    async with turns() as held:
        made = await imported(brand, "placements", HEAD + "".join(rows))
        assert counts(made) == (ROWS_MAX, 0, 0, 0)
        again = await tried(brand, "placements", HEAD + "".join(rows))
        assert counts(again) == (0, 0, ROWS_MAX, 0)
        refused = await tried(brand, "placements", HEAD + "".join(hosts))
        assert counts(refused) == (0, 0, 0, len(hosts))
    assert max(held) < HELD_SECONDS

    conn = await connect(owner_url)
    try:
        told = "SELECT set_config('laurel.workspaces', $1, false)"
        await conn.execute(told, f"{{{brand.workspace_id}}}")
        await conn.execute(FILL, brand.workspace_id, NAMES_MAX - 2 * ROWS_MAX)
    finally:
        await conn.close()
    link = "destination,placement\nhttps://shop.example/bag,https://instagram.com/reel/old-7\n"
    async with turns() as held:
        assert counts(await tried(brand, "placements", HEAD + rows[0])) == (0, 0, 1, 0)
        assert counts(await tried(brand, "links", link)) == (1, 0, 0, 0)
        undone = await brand.ok("DELETE", f"/v1/imports/{made['id']}")
        assert undone["undo"]["withdrawn"] == ROWS_MAX
    assert max(held) < HELD_SECONDS
