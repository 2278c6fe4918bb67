"""The SQL of raw exports: ledger entries and costs of a span, a page at a time, newest first.

Promise: the rows are those that an answer of the same days and moment sums. A page is found from
the last row of the page before, so a page costs the same wherever it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

import asyncpg
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.db.engine import driver

# Rows of a page: some hundred kilobytes.
PAGE_ROWS: Final = 2_000
# The columns of an entry, as `GET /v1/entries` names them.
CREDIT_COLUMNS: Final = (
    "account",
    "conversion_id",
    "conversion_kind",
    "natural_id",
    "store",
    "model",
    "revision",
    "reverses",
    "stage",
    "touch_stage",
    "evidence_class",
    "touch_kind",
    "link_id",
    "code",
    "sub_source",
    "new_customer",
    "occurred_at",
    "touched_at",
    "recorded_at",
    "sequence",
    "position",
)
_MOMENTS: Final = {
    "conversion_time": "occurred_at",
    "touch_time": "coalesce(touched_at, occurred_at)",
}
# A day of a zone lies within a day of the same day of UTC, so the index finds the days widely, and
# each row is compared by its local day, as answers do it.
_CREDITS: Final = """
SELECT {columns}, currency, amount_minor, units, {moment} AS moment
FROM roi.credit_entries
WHERE workspace_id = $1 AND known_at <= $2 AND model = $3
  AND {moment} >= $4 AND {moment} < $5
  AND ($6::date IS NULL OR ({moment} AT TIME ZONE $8)::date BETWEEN $6 AND $7)
  AND {moment} <= $9 AND ({moment}, sequence, position) < ($9, $10, $11)
ORDER BY {moment} DESC, sequence DESC, position DESC LIMIT $12
"""
COSTS: Final = """
SELECT entity_id, facts::text AS facts, recorded_at, (facts ->> 'incurred_on')::date AS incurred_on
FROM roi.versions
WHERE entity = 'cost' AND workspace_id = $1 AND recorded_at <= $2
  AND (superseded_at IS NULL OR superseded_at > $2) AND archived_at IS NULL
  AND (facts ->> 'incurred_on')::date BETWEEN $3 AND $4
  AND ($5::date IS NULL OR ((facts ->> 'incurred_on')::date, entity_id) < ($5, $6))
ORDER BY (facts ->> 'incurred_on')::date DESC, entity_id DESC LIMIT $7
"""


@dataclass(frozen=True, slots=True)
class CreditSpan:
    """Which ledger entries: those of a model that are known at a moment, in days or between times.

    `from_at` and `to_at` hold all moments of the span, also where days are asked for.
    """

    workspace_id: UUID
    as_of: datetime
    model: str
    by: str
    from_at: datetime
    to_at: datetime
    days: tuple[date, date] | None
    time_zone: str


def credits_statement(by: str) -> str:
    """Return the statement of a page; `by` is the time that dates an entry."""
    return _CREDITS.format(columns=", ".join(CREDIT_COLUMNS), moment=_MOMENTS[by])


async def credit_page(
    conn: AsyncConnection, span: CreditSpan, before: tuple[datetime, int, int]
) -> Sequence[asyncpg.Record]:
    """Return the newest entries before a moment, sequence and position."""
    pg = await driver(conn)
    rows: Sequence[asyncpg.Record] = await pg.fetch(
        credits_statement(span.by),
        *(span.workspace_id, span.as_of, span.model, span.from_at, span.to_at),
        *(span.days or (None, None)),
        span.time_zone,
        *before,
        PAGE_ROWS,
    )
    return rows


async def cost_page(
    conn: AsyncConnection,
    workspace_id: UUID,
    as_of: datetime,
    days: tuple[date, date],
    before: tuple[date, UUID] | None,
) -> Sequence[asyncpg.Record]:
    """Return the newest costs of local days before a day and id."""
    pg = await driver(conn)
    rows: Sequence[asyncpg.Record] = await pg.fetch(
        COSTS, workspace_id, as_of, *days, *(before or (None, None)), PAGE_ROWS
    )
    return rows
