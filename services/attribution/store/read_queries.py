"""Queries of the HTTP API: one conversion's history, the ledger balance, unmatched conversions.

Promise: every statement runs in one read-only snapshot of one workspace, so the figures of an
answer are consistent. Sums are numeric, so they may be greater than a bigint. Ledger sums and net
sums come from different tables, so their equality is a real check.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

import asyncpg

from shared.catalog import Store, decode_catalog

# A limit for people who read the list; a metric counts all of them.
UNMATCHED_MAX: Final = 1_000
# The weight of one page of an explanation, by the stored bytes of its decisions.
REVISION_BYTES_MAX: Final = 1_000_000
# The most ledger lines of one page of an explanation.
LINES_MAX: Final = 1_000
# The most reports of one conversion that an explanation reads; what counts depends on all of them.
TOLD_MAX: Final = 5_000

STORY: Final = """
SELECT own_key, kind, status, net_minor, currency, store
FROM attribution.conversions WHERE own_key = ANY ($1::bytea[])
"""
# The newest revisions below $2, at most $3 of them. The page ends with the revision that reaches $4
# bytes, so it has at least one.
REVISIONS: Final = """
SELECT revision, reason, recorded_at, body FROM (
    SELECT *, sum(octet_length(body)) OVER (ORDER BY revision DESC) - octet_length(body) AS newer
    FROM (
        SELECT revision, reason, recorded_at, body FROM attribution.decisions
        WHERE own_key = $1::bytea AND revision < $2::bigint ORDER BY revision DESC LIMIT $3::integer
    ) AS newest
) AS sized WHERE newer < $4::bigint ORDER BY revision
"""
# The newest $4 lines of a range of revisions, and how many the range has.
LINES: Final = """
SELECT * FROM (
    SELECT sequence, line, model, revision, account, amount_minor, currency, units, stage,
           touched_at, occurred_at, recorded_at, touch_kind, evidence_class, link_id::text, code,
           sub_source, reverses, count(*) OVER () AS in_all
    FROM attribution.ledger
    WHERE own_key = $1::bytea AND revision BETWEEN $2::integer AND $3::integer
    ORDER BY sequence DESC, line DESC LIMIT $4::integer
) AS newest ORDER BY sequence, line
"""
# What trusted sources told of one conversion; claims are filed under another key.
TOLD: Final = "SELECT body FROM attribution.evidence WHERE own_key = $1::bytea"
TOLD_COUNTS: Final = """
SELECT count(*) FILTER (WHERE kind NOT IN ('order_adjusted', 'surveyed')) AS versions,
       count(*) FILTER (WHERE kind = 'order_adjusted') AS adjustments
FROM attribution.evidence WHERE own_key = $1::bytea
"""
STORES: Final = "SELECT record FROM attribution.catalog WHERE entity = 'store'"
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
WHERE c.status = 'awaiting_order' AND e.kind = 'order_adjusted'
ORDER BY e.occurred_at, e.event_id LIMIT $1::integer
"""


@dataclass(frozen=True, slots=True)
class KnownConversion:
    """The present state of a conversion."""

    kind: str
    status: str
    net_minor: int
    currency: str | None
    store: str


@dataclass(frozen=True, slots=True)
class StoredRevision:
    """One decision revision as stored."""

    revision: int
    reason: str
    recorded_at: datetime
    body: bytes


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """One line of the ledger; its number in the record is `line`."""

    sequence: int
    line: int
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
    touch_kind: str | None
    evidence_class: str | None
    link_id: str | None
    code: str | None
    sub_source: str | None
    reverses: int | None


@dataclass(frozen=True, slots=True)
class Told:
    """The stored events that tell of one conversion, and how many versions and adjustments.

    `bodies` is empty if they are too many to judge each of them here.
    """

    bodies: tuple[bytes, ...]
    versions: int
    adjustments: int


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
) -> dict[bytes, KnownConversion]:
    """Return the conversions that exist, by own key."""
    return {
        row[0]: KnownConversion(*row[1:]) for row in map(tuple, await conn.fetch(STORY, own_keys))
    }


async def stores(conn: asyncpg.Connection) -> list[Store]:
    """Return the stores of the visible workspace, archived or not."""
    found = [decode_catalog(row["record"]) for row in await conn.fetch(STORES)]
    return [record for record in found if isinstance(record, Store)]


async def revisions(
    conn: asyncpg.Connection, own_key: bytes, below: int, limit: int
) -> list[StoredRevision]:
    """Return the newest revisions of a conversion with numbers below `below`, oldest first."""
    rows = await conn.fetch(REVISIONS, own_key, below, limit, REVISION_BYTES_MAX)
    return [StoredRevision(*row) for row in rows]


async def ledger_lines(
    conn: asyncpg.Connection, own_key: bytes, first: int, last: int
) -> tuple[list[LedgerLine], int]:
    """Return the newest lines of the revisions from `first` to `last`, oldest first.

    The second value is how many older lines of these revisions are left out.
    """
    rows = await conn.fetch(LINES, own_key, first, last, LINES_MAX)
    lines = [LedgerLine(*row[:-1]) for row in map(tuple, rows)]
    return lines, (rows[0]["in_all"] - len(rows) if rows else 0)


async def told(conn: asyncpg.Connection, own_key: bytes) -> Told:
    """Return the trusted evidence of a conversion; its bodies only if they are at most 5,000."""
    versions, adjustments = await conn.fetchrow(TOLD_COUNTS, own_key)
    if versions + adjustments > TOLD_MAX:
        return Told((), versions, adjustments)
    bodies = tuple(row["body"] for row in await conn.fetch(TOLD, own_key))
    return Told(bodies, versions, adjustments)


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
