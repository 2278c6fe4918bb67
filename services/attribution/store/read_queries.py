"""Queries of the HTTP API: one conversion's history, the ledger balance, unmatched conversions.

Promise: every statement runs in one read-only snapshot of one workspace, so the figures of an
answer are consistent. Sums are numeric, so they may be greater than a bigint. Ledger sums and net
sums come from different tables, so their equality is a real check.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

import asyncpg

# A limit for people who read the list; a metric counts all of them.
UNMATCHED_MAX: Final = 1_000

STORY: Final = """
SELECT own_key, kind, natural_id, status
FROM attribution.conversions WHERE own_key = ANY ($1::bytea[])
"""
REVISIONS: Final = """
SELECT revision, reason, recorded_at, body
FROM attribution.decisions WHERE own_key = $1::bytea ORDER BY revision
"""
LINES: Final = """
SELECT sequence, model, revision, account, amount_minor, currency, units, stage, touched_at,
       occurred_at, recorded_at
FROM attribution.ledger WHERE own_key = $1::bytea ORDER BY sequence, line
"""
LAST_SEQUENCE: Final = """
SELECT coalesce(max(last_sequence), 0) FROM attribution.workspaces WHERE workspace_id = $1::uuid
"""
CREDITED: Final = """
SELECT model, currency, account, sum(amount_minor) AS credited_minor FROM attribution.ledger
WHERE currency IS NOT NULL AND sequence <= $1::bigint GROUP BY model, currency, account
"""
# $2 is the time zone of the days. Each ledger line is dated by its own `occurred_at`.
CREDITED_BY_DAY: Final = """
SELECT model, currency, account, day, sum(amount_minor) AS credited_minor
FROM attribution.ledger
CROSS JOIN LATERAL (SELECT (occurred_at AT TIME ZONE $2::text)::date AS day) AS local
WHERE currency IS NOT NULL AND sequence <= $1::bigint
  AND day >= coalesce($3::date, '-infinity') AND day <= coalesce($4::date, 'infinity')
GROUP BY model, currency, account, day
"""
NETS: Final = """
SELECT model, currency, sum(net_minor) AS net_minor FROM (
    SELECT DISTINCT ON (own_key) own_key, net_minor, currency, models FROM attribution.decisions
    WHERE sequence <= $1::bigint ORDER BY own_key, revision DESC
) AS last CROSS JOIN LATERAL unnest(models) AS model
WHERE currency IS NOT NULL GROUP BY model, currency
"""
UNMATCHED: Final = """
SELECT e.body FROM attribution.conversions AS c
JOIN attribution.evidence AS e ON e.own_key = c.own_key AND e.workspace_id = c.workspace_id
WHERE c.status = 'awaiting_order' ORDER BY e.occurred_at, e.event_id LIMIT $1::integer
"""


@dataclass(frozen=True, slots=True)
class StoredRevision:
    """One decision revision as stored."""

    revision: int
    reason: str
    recorded_at: datetime
    body: bytes


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """One line of the ledger."""

    sequence: int
    model: str
    revision: int
    account: str
    amount_minor: int
    currency: str | None
    units: int
    stage: str
    touched_at: datetime | None
    occurred_at: datetime
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Balance:
    """Sums up to `sequence`: credit per (model, currency, account), net per (model, currency).

    `unmatched` holds the evidence of conversions that wait for their order, as stored bytes.
    """

    sequence: int
    credited: dict[tuple[str, str, str], int]
    nets: dict[tuple[str, str], int]
    unmatched: list[bytes]


async def known_conversions(
    conn: asyncpg.Connection, own_keys: list[bytes]
) -> dict[bytes, tuple[str, str, str]]:
    """Return (kind, natural id, status) by own key, of the conversions that exist."""
    return {row[0]: (row[1], row[2], row[3]) for row in await conn.fetch(STORY, own_keys)}


async def revisions(conn: asyncpg.Connection, own_key: bytes) -> list[StoredRevision]:
    """Return all revisions of a conversion, oldest first."""
    return [StoredRevision(*row) for row in await conn.fetch(REVISIONS, own_key)]


async def ledger_lines(conn: asyncpg.Connection, own_key: bytes) -> list[LedgerLine]:
    """Return all ledger lines of a conversion, oldest first."""
    return [LedgerLine(*row) for row in await conn.fetch(LINES, own_key)]


async def last_sequence(conn: asyncpg.Connection, workspace_id: str) -> int:
    """Return the workspace's newest sequence number in this snapshot."""
    return int(await conn.fetchval(LAST_SEQUENCE, workspace_id))


class UnknownTimeZone(Exception):
    """PostgreSQL has no such time zone, so local days cannot be computed."""


async def credited_by_day(
    conn: asyncpg.Connection,
    sequence: int,
    time_zone: str,
    first_on: date | None,
    last_on: date | None,
) -> dict[tuple[str, str, str, date], int]:
    """Return the credit up to `sequence` per (model, currency, account, local day), without zeros.

    Amounts are in minor units. Raises `UnknownTimeZone`.
    """
    try:
        rows = await conn.fetch(CREDITED_BY_DAY, sequence, time_zone, first_on, last_on)
    except asyncpg.InvalidParameterValueError as error:
        raise UnknownTimeZone(time_zone) from error
    return {(row[0], row[1], row[2], row[3]): int(row[4]) for row in rows if row[4]}


async def balance(conn: asyncpg.Connection, sequence: int) -> Balance:
    """Return the sums of all ledger lines and decisions up to `sequence`."""
    credited = await conn.fetch(CREDITED, sequence)
    nets = await conn.fetch(NETS, sequence)
    waiting = await conn.fetch(UNMATCHED, UNMATCHED_MAX)
    return Balance(
        sequence,
        {(row[0], row[1], row[2]): int(row[3]) for row in credited},
        {(row[0], row[1]): int(row[2]) for row in nets},
        [row[0] for row in waiting],
    )
