"""The SQL of goals: one goal, and the campaigns with goals, as recorded at a moment."""

import json
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.roi.domain.entity import EntityFacts
from shared.db.engine import driver

_GOAL: Final = """
SELECT facts::text AS facts FROM roi.versions
 WHERE entity_id = $1 AND workspace_id = $2 AND entity = 'goal'
   AND recorded_at <= $3 AND (superseded_at IS NULL OR superseded_at > $3)
"""
_CAMPAIGNS: Final = """
SELECT DISTINCT (facts ->> 'campaign_id')::uuid AS campaign_id FROM roi.versions
 WHERE entity = 'goal' AND workspace_id = $1 AND archived_at IS NULL
   AND recorded_at <= $2 AND (superseded_at IS NULL OR superseded_at > $2)
   AND facts ->> 'campaign_id' IS NOT NULL
"""


async def goal_at(
    conn: AsyncConnection, workspace_id: UUID, goal_id: str, as_of: datetime
) -> EntityFacts | None:
    """Return the facts of a goal as recorded at a moment; None when there was none."""
    found = await (await driver(conn)).fetchval(_GOAL, goal_id, workspace_id, as_of)
    return None if found is None else dict(json.loads(found))


async def campaigns_with_goals(
    conn: AsyncConnection, workspace_id: UUID, as_of: datetime
) -> frozenset[UUID]:
    """Return the campaigns that had a goal at a moment."""
    rows = await (await driver(conn)).fetch(_CAMPAIGNS, workspace_id, as_of)
    return frozenset(row["campaign_id"] for row in rows)
