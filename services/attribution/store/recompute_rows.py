"""The queue of conversions to decide again, and those of them that are set aside.

Promise: a row leaves the queue only in the transaction that decides its conversion. A conversion
that cannot be decided stays in the queue with its problem and the time of its next retry; a
corrected fact about it makes it due at once.
"""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Final

import asyncpg

from services.attribution.store.identity_rows import Keyed
from services.attribution.tables import Sql

WANT_BY_SUBJECT: Final = Sql("""
INSERT INTO attribution.recomputes AS r (own_key, workspace_id, reason)
SELECT DISTINCT s.own_key, s.workspace_id, $3::text
FROM unnest($1::text[], $2::uuid[]) AS n (subject, workspace_id) CROSS JOIN LATERAL (
    SELECT own_key, workspace_id FROM attribution.decision_subjects AS s
    WHERE s.subject = n.subject AND s.workspace_id = n.workspace_id OFFSET 0
) AS s
ON CONFLICT (own_key, workspace_id) DO UPDATE SET retry_at = '-infinity'
WHERE r.retry_at > '-infinity'
""")
WANT_SINCE: Final = Sql("""
INSERT INTO attribution.recomputes AS r (own_key, workspace_id, reason)
SELECT own_key, workspace_id, $3::text FROM attribution.conversions
WHERE occurred_at >= $1::timestamptz AND workspace_id = $2::uuid
ON CONFLICT (own_key, workspace_id) DO UPDATE SET retry_at = '-infinity'
WHERE r.retry_at > '-infinity'
""")
# No join of the chunk with the queue: it would read the whole queue for each chunk.
TAKE_RECOMPUTES: Final = Sql("""
DELETE FROM attribution.recomputes AS r WHERE r.workspace_id = $1::uuid AND r.own_key = ANY (ARRAY(
    SELECT n.own_key
    FROM attribution.recomputes AS n
    WHERE n.workspace_id = $1::uuid AND n.retry_at <= $3::timestamptz
    ORDER BY n.retry_at, n.own_key LIMIT $2::integer
))
RETURNING r.workspace_id::text, r.own_key, r.reason
""")
# The first retry comes after a minute, each later one after twice the time, up to an hour.
SET_ASIDE: Final = Sql("""
INSERT INTO attribution.recomputes AS r
       (own_key, workspace_id, reason, retry_at, attempts, failed_at, problem)
VALUES ($1::bytea, $2::uuid, $3::text, $4::timestamptz + interval '1 minute', 1, $4::timestamptz,
        $5::text)
ON CONFLICT (own_key, workspace_id) DO UPDATE
SET attempts = r.attempts + 1, failed_at = excluded.failed_at, problem = excluded.problem,
    retry_at = excluded.failed_at + least(interval '1 minute' * 2 ^ least(r.attempts, 10),
                                          interval '1 hour')
""")
WAITING: Final = """
SELECT DISTINCT workspace_id::text FROM attribution.recomputes WHERE retry_at <= $1::timestamptz
"""

# How much of a problem is stored.
PROBLEM_CHARACTERS_MAX: Final = 500
# Before every event.
ALWAYS: Final = datetime(1, 1, 2, tzinfo=UTC)


async def want_by_subject(
    conn: asyncpg.Connection, subjects: Collection[tuple[str, str]], reason: str
) -> None:
    """Queue every conversion whose decision depends on one of the (workspace, subject) pairs."""
    ordered = sorted(subjects)
    if ordered:
        await conn.execute(
            WANT_BY_SUBJECT,
            [subject for _, subject in ordered],
            [workspace for workspace, _ in ordered],
            reason,
        )


async def want_since(
    conn: asyncpg.Connection, workspace_id: str, since: datetime | None, reason: str
) -> None:
    """Queue every conversion that occurred at `since` or later; None means all."""
    await conn.execute(WANT_SINCE, since or ALWAYS, workspace_id, reason)


async def take_recomputes(
    conn: asyncpg.Connection, workspace_id: str, conversions_max: int, now: datetime
) -> dict[Keyed, str]:
    """Delete a chunk of what is due in a workspace, and return it: conversion to reason."""
    rows = await conn.fetch(TAKE_RECOMPUTES, workspace_id, conversions_max, now)
    return {(row[0], row[1]): row[2] for row in rows}


async def set_aside(
    conn: asyncpg.Connection, keyed: Keyed, reason: str, now: datetime, problem: str
) -> None:
    """Keep a conversion that could not be decided, with its problem and a later retry."""
    workspace_id, own_key = keyed
    told = problem.replace("\x00", "�")[:PROBLEM_CHARACTERS_MAX]
    await conn.execute(SET_ASIDE, own_key, workspace_id, reason, now, told)


async def workspaces_waiting(conn: asyncpg.Connection, now: datetime) -> list[str]:
    """Return the visible workspaces that have conversions to decide now."""
    return [row[0] for row in await conn.fetch(WAITING, now)]
