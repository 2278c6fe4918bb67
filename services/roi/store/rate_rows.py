"""The SQL of rates: exchange rates into a currency, and value rates, as recorded at a moment."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from shared.db.engine import driver

# Of two rates of one currency and day, the later recorded one comes last and holds.
_EXCHANGE: Final = """
SELECT facts ->> 'currency' AS currency, facts ->> 'amount' AS amount,
       (facts ->> 'valid_from')::date AS valid_from
  FROM roi.versions
 WHERE entity = 'rate' AND workspace_id = $1 AND archived_at IS NULL
   AND recorded_at <= $2 AND (superseded_at IS NULL OR superseded_at > $2)
   AND facts ->> 'into' = $3 AND (facts ->> 'valid_from')::date <= $4
 ORDER BY valid_from, recorded_at, entity_id
 LIMIT $5
"""
# Of two rates of one unit, platform and day, the later recorded one comes last and holds.
_VALUE: Final = """
SELECT facts ->> 'per' AS per, facts ->> 'platform' AS platform,
       facts ->> 'currency' AS currency, facts ->> 'amount' AS amount,
       (facts ->> 'valid_from')::date AS valid_from
  FROM roi.versions
 WHERE entity = 'rate' AND workspace_id = $1 AND archived_at IS NULL
   AND recorded_at <= $2 AND (superseded_at IS NULL OR superseded_at > $2)
   AND facts ->> 'kind' = 'value' AND (facts ->> 'valid_from')::date <= $3
 ORDER BY valid_from, recorded_at, entity_id
 LIMIT $4
"""


async def exchange_rows(
    conn: AsyncConnection, workspace_id: UUID, as_of: datetime, asked: tuple[str, date, int]
) -> Sequence[Any]:
    """Return the rates into a currency that begin by a day, at most so many."""
    into, to_on, limit = asked
    rows: Sequence[Any] = await (await driver(conn)).fetch(
        _EXCHANGE, workspace_id, as_of, into, to_on, limit
    )
    return rows


async def value_rows(
    conn: AsyncConnection, workspace_id: UUID, as_of: datetime, asked: tuple[date, int]
) -> Sequence[Any]:
    """Return the value rates that begin by a day, at most so many."""
    to_on, limit = asked
    rows: Sequence[Any] = await (await driver(conn)).fetch(
        _VALUE, workspace_id, as_of, to_on, limit
    )
    return rows
