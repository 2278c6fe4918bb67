"""The context of an answer: its workspace, its moment, and what was folded up to that moment.

Promise: the moment of an answer is never after the workspace's clock. Local days are those of the
time zone of the rollups that answer, which is the workspace's own except while rollups of another
zone are made.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

import asyncpg
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.db.engine import driver

_WORKSPACE: Final = """
SELECT zone.time_zone, zone.generation, v.currency, f.missing_sequence, f.problem, f.stopped_at,
       asked.moment,
       folded.sequence AS folded_sequence, folded.known_at,
       NOT EXISTS (
           SELECT FROM roi.folded_records AS later
           WHERE later.workspace_id = w.workspace_id AND later.known_at > asked.moment
       ) AS is_now,
       ($2::timestamptz AT TIME ZONE zone.time_zone)::date AS today
FROM roi.workspaces AS w
JOIN roi.workspace_versions AS v ON v.workspace_id = w.workspace_id AND v.superseded_at IS NULL
LEFT JOIN roi.folds AS f ON f.workspace_id = w.workspace_id
LEFT JOIN roi.rollup_zones AS z ON z.workspace_id = w.workspace_id
CROSS JOIN LATERAL (
    SELECT coalesce(z.time_zone, v.time_zone) AS time_zone, coalesce(z.generation, 0) AS generation
) AS zone
CROSS JOIN LATERAL (SELECT least(w.clock_at, $3::timestamptz) AS moment) AS asked
LEFT JOIN LATERAL (
    SELECT r.sequence, r.known_at FROM roi.folded_records AS r
    WHERE r.workspace_id = w.workspace_id AND r.known_at <= asked.moment
    ORDER BY r.known_at DESC LIMIT 1
) AS folded ON true
WHERE w.workspace_id = $1
"""


@dataclass(frozen=True, slots=True)
class WorkspaceStop:
    """The record at which a workspace stands still, and since when.

    `problem` None: the record has not come.
    """

    sequence: int
    problem: str | None
    stopped_at: datetime


@dataclass(frozen=True, slots=True)
class AnswerContext:
    """A workspace at the moment of an answer.

    `generation` is that of the rollups that answer, `time_zone` the zone of their days. `sequence`
    is the last credits record that was known at `as_of`, `fresh_to` the moment when it became
    known. `is_now`: nothing was folded since `as_of`, so the rollups of now answer. `stop`: the
    workspace stands still since then.
    """

    workspace_id: UUID
    time_zone: str
    generation: int
    currency: str
    today: date
    as_of: datetime
    fresh_to: datetime
    sequence: int
    is_now: bool
    stop: WorkspaceStop | None


async def context_of(
    conn: AsyncConnection, workspace_id: str, now: datetime, as_of: datetime | None
) -> AnswerContext:
    """Return the context of an answer as of a moment; None is the newest moment."""
    connection = await driver(conn)
    workspace = UUID(workspace_id)
    found = await connection.fetchrow(_WORKSPACE, workspace, now, as_of)
    assert found is not None, "the workspace of a key exists"
    moment = found["moment"]
    return AnswerContext(
        workspace_id=workspace,
        time_zone=found["time_zone"],
        generation=found["generation"],
        currency=found["currency"],
        today=found["today"],
        as_of=moment,
        fresh_to=found["known_at"] or moment,
        sequence=found["folded_sequence"] or 0,
        is_now=found["is_now"],
        stop=_stop(found),
    )


def _stop(row: asyncpg.Record) -> WorkspaceStop | None:
    if row["missing_sequence"] is None:
        return None
    return WorkspaceStop(row["missing_sequence"], row["problem"], row["stopped_at"])
