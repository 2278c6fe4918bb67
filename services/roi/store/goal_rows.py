"""The SQL of goals: one, a page of those in use, the campaigns with goals, as of a moment."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.roi.domain.entity import EntityFacts
from shared.db.engine import driver

_GOAL: Final = """
SELECT facts::text AS facts FROM roi.versions
 WHERE entity_id = $1 AND workspace_id = $2 AND entity = 'goal'
   AND recorded_at <= $3 AND (superseded_at IS NULL OR superseded_at > $3)
"""
_PAGE: Final = """
SELECT goal.id, goal.created_at, stood.facts::text AS facts
  FROM roi.entities AS goal
 CROSS JOIN LATERAL (
       SELECT facts, archived_at FROM roi.versions
        WHERE entity_id = goal.id AND workspace_id = $1
          AND recorded_at <= $2 AND (superseded_at IS NULL OR superseded_at > $2)) AS stood
 WHERE goal.entity = 'goal' AND goal.workspace_id = $1 AND stood.archived_at IS NULL
   AND (goal.created_at, goal.id) < ($3, $4)
 ORDER BY goal.created_at DESC, goal.id DESC LIMIT $5
"""
_CAMPAIGNS: Final = """
SELECT DISTINCT (facts ->> 'campaign_id')::uuid AS campaign_id FROM roi.versions
 WHERE entity = 'goal' AND workspace_id = $1 AND archived_at IS NULL
   AND recorded_at <= $2 AND (superseded_at IS NULL OR superseded_at > $2)
   AND facts ->> 'campaign_id' IS NOT NULL
"""


Place = tuple[datetime, str]
"""Where a page ends: the creation and the id of its last goal."""
# The place before the first page: every page then has the same comparison.
BEFORE_ANY: Final[Place] = (
    datetime(9999, 1, 1, tzinfo=UTC),
    "ffffffff-ffff-ffff-ffff-ffffffffffff",
)


class GoalThen(NamedTuple):
    """A goal and its facts at a moment."""

    id: str
    created_at: datetime
    facts: EntityFacts


async def goal_at(
    conn: AsyncConnection, workspace_id: UUID, goal_id: str, as_of: datetime
) -> EntityFacts | None:
    """Return the facts of a goal as recorded at a moment; None when there was none."""
    found = await (await driver(conn)).fetchval(_GOAL, goal_id, workspace_id, as_of)
    return None if found is None else dict(json.loads(found))


async def goals_at(
    conn: AsyncConnection, workspace_id: UUID, as_of: datetime, after: Place, limit: int
) -> Sequence[GoalThen]:
    """Return the goals that were in use at a moment, the newest first, at most so many."""
    rows = await (await driver(conn)).fetch(_PAGE, workspace_id, as_of, *after, limit)
    return [
        GoalThen(str(row["id"]), row["created_at"], dict(json.loads(row["facts"]))) for row in rows
    ]


async def campaigns_with_goals(
    conn: AsyncConnection, workspace_id: UUID, as_of: datetime
) -> frozenset[UUID]:
    """Return the campaigns that had a goal at a moment."""
    rows = await (await driver(conn)).fetch(_CAMPAIGNS, workspace_id, as_of)
    return frozenset(row["campaign_id"] for row in rows)
