"""Credits records of both versions are folded; rows of version 1 say nothing about their slot."""

import json
from pathlib import Path
from typing import Any, Final

from shared.credits import AnyCredits, decode_credits
from shared.db.engine import driver
from tests.fixtures.postgres import DatabaseFactory
from tests.integration.roi.roi_workspace import RoiWorkspace

GOLDEN: Final = Path(__file__).parents[2] / "golden" / "credits"
SAMPLES: Final = ("decision.v1", "touches.v1", "decision.v2", "touches.v2")
SLOTS: Final = """
SELECT touch_kind, evidence_class, link_id::text, code, sub_source, placed_units, net_minor,
       reverses, store, bought_at IS NOT NULL, amount_minor
FROM roi.credit_entries WHERE sequence = $1 ORDER BY position
"""
ROLLUPS: Final = """
SELECT model, account::text, sum(amount_minor)::bigint FROM roi.rollups
WHERE basis = 'touch_time' GROUP BY 1, 2 ORDER BY 1, 2
"""
LINK: Final = "01900000-0000-7000-8000-0000000000b1"
NOBODY: Final = "00000000-0000-0000-0000-000000000000"
PLACEMENT: Final = "01900000-0000-7000-8000-0000000000a1"


def sample(name: str, workspace_id: str, sequence: int) -> AnyCredits:
    record: dict[str, Any] = json.loads((GOLDEN / f"{name}.json").read_bytes())
    record |= {"workspace_id": workspace_id, "sequence": sequence}
    return decode_credits(json.dumps(record).encode())


async def test_records_of_both_versions_are_folded(database_for: DatabaseFactory) -> None:
    roi_workspace = await RoiWorkspace.open(await database_for("roi"))
    workspace_id = roi_workspace.workspace_id
    records = [sample(name, workspace_id, place) for place, name in enumerate(SAMPLES, start=1)]
    assert [record.v for record in records] == [1, 1, 2, 2]
    await roi_workspace.fold(*records)
    async with roi_workspace.database.read([workspace_id]) as connection:
        conn = await driver(connection)
        before, now = [[tuple(row) for row in await conn.fetch(SLOTS, n)] for n in (1, 3)]
        sums = [tuple(row) for row in await conn.fetch(ROLLUPS)]
    unknown = (None,) * 8
    assert before == 2 * [(*unknown, "main", False, -4990), (*unknown, "main", False, 4990)]
    slot = ("click", "code+click", LINK, "MIA10", "story")
    reversal = (None, None, None, None, None, -1_000_000, 4990, 1, "outlet", True, -4990)
    assert now == 2 * [reversal, (*slot, 1_000_000, 4990, None, "outlet", True, 4990)]
    assert sums == [
        (model, account, amount)
        for model in ("last", "participation")
        for account, amount in ((NOBODY, -9980), (PLACEMENT, 9980))
    ]
