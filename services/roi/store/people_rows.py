"""The SQL of people: which person a conversion belongs to, the leads of a time, who bought what.

Promise: the person and the time of a conversion are those of its newest record that was known at
the moment of the answer. What it is worth is told by the entries of the model `last`, of which
each row has the change.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.roi.domain.rollup import PERSON_COLUMNS, Row
from shared.db.engine import driver

STORE: Final = f"""
INSERT INTO roi.conversion_people ({", ".join(PERSON_COLUMNS)})
SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::uuid[], $4::text[], $5::text[],
                     $6::timestamptz[], $7::text[], $8::bigint[], $9::bigint[], $10::timestamptz[])
"""

# Leads and sign-ups that were kept, by their newest record: each record of the time looks for the
# newest one of its conversion, which may tell another time. An aggregate is joined row by row, so
# the index of conversions serves it, and the scan ends at the limit.
LEADS: Final = """
SELECT lead.conversion_id, lead.person_ref, lead.occurred_at
  FROM roi.conversion_people AS lead
 CROSS JOIN LATERAL (
     SELECT max(sequence) AS sequence, sum(units) AS units FROM roi.conversion_people AS p
      WHERE p.conversion_id = lead.conversion_id AND p.workspace_id = $1 AND p.known_at <= $2
 ) AS newest
 WHERE lead.workspace_id = $1 AND lead.kind IN ('lead', 'sign_up') AND lead.known_at <= $2
   AND lead.occurred_at > $3 AND lead.occurred_at <= $2
   AND lead.sequence = newest.sequence AND newest.units > 0
 LIMIT $4
"""
# The records of conversions: their entries have the same numbers.
RECORDS: Final = """
SELECT p.sequence FROM unnest($3::uuid[]) AS asked (conversion_id)
 CROSS JOIN LATERAL (
     SELECT sequence FROM roi.conversion_people AS c
      WHERE c.conversion_id = asked.conversion_id AND c.workspace_id = $1 AND c.known_at <= $2
     OFFSET 0
 ) AS p
"""

# What these people bought: purchases and renewals that were kept, each with its local day.
BOUGHT: Final = """
WITH theirs AS (
    SELECT DISTINCT p.conversion_id
      FROM unnest($3::text[]) AS asked (person_ref)
      CROSS JOIN LATERAL (
          SELECT conversion_id FROM roi.conversion_people AS p
           WHERE p.person_ref = asked.person_ref AND p.workspace_id = $1
             AND p.kind IN ('purchase', 'renewal') AND p.known_at <= $2
      ) AS p
     LIMIT $5
)
SELECT newest.person_ref, newest.occurred_at, newest.currency, newest.amount_minor,
       (newest.occurred_at AT TIME ZONE $4)::date AS bought_on
  FROM theirs
 CROSS JOIN LATERAL (
     SELECT (array_agg(person_ref ORDER BY sequence DESC))[1] AS person_ref,
            (array_agg(occurred_at ORDER BY sequence DESC))[1] AS occurred_at,
            (array_agg(currency ORDER BY sequence DESC))[1] AS currency,
            sum(units) AS units, sum(amount_minor) AS amount_minor
       FROM roi.conversion_people AS p
      WHERE p.conversion_id = theirs.conversion_id AND p.workspace_id = $1 AND p.known_at <= $2
 ) AS newest
 WHERE newest.units > 0 AND newest.occurred_at <= $2
"""
# The person and the moment of conversions, by their newest record.
PEOPLE: Final = """
SELECT p.conversion_id, newest.person_ref, newest.occurred_at
  FROM unnest($3::uuid[]) AS p (conversion_id)
 CROSS JOIN LATERAL (
     SELECT person_ref, occurred_at FROM roi.conversion_people AS c
      WHERE c.conversion_id = p.conversion_id AND c.workspace_id = $1 AND c.known_at <= $2
      ORDER BY sequence DESC LIMIT 1
 ) AS newest
"""


async def store_people(conn: AsyncConnection, rows: Sequence[Row]) -> None:
    """Store the person of each decision record, in the order of `PERSON_COLUMNS`."""
    if rows:
        await (await driver(conn)).execute(STORE, *map(list, zip(*rows, strict=True)))


async def leads_of(
    conn: AsyncConnection, workspace_id: UUID, as_of: datetime, after: datetime, limit: int
) -> Sequence[Any]:
    """Return the leads and sign-ups after a moment, at most so many."""
    rows: Sequence[Any] = await (await driver(conn)).fetch(LEADS, workspace_id, as_of, after, limit)
    return rows


async def records_of(
    conn: AsyncConnection, workspace_id: UUID, as_of: datetime, conversions: Sequence[UUID]
) -> list[int]:
    """Return the numbers of the records of conversions that were known at a moment."""
    rows = await (await driver(conn)).fetch(RECORDS, workspace_id, as_of, conversions)
    return [row["sequence"] for row in rows]


async def bought_by(
    conn: AsyncConnection,
    workspace_id: UUID,
    as_of: datetime,
    people: Sequence[str],
    time_zone: str,
    limit: int,
) -> Sequence[Any]:
    """Return what people bought until a moment, at most so many orders."""
    rows: Sequence[Any] = await (await driver(conn)).fetch(
        BOUGHT, workspace_id, as_of, people, time_zone, limit
    )
    return rows


async def people_of_conversions(
    conn: AsyncConnection, workspace_id: UUID, as_of: datetime, conversions: Sequence[UUID]
) -> dict[UUID, tuple[str, datetime]]:
    """Return the person and the moment of each conversion that was known at a moment."""
    rows = await (await driver(conn)).fetch(PEOPLE, workspace_id, as_of, conversions)
    return {row["conversion_id"]: (row["person_ref"], row["occurred_at"]) for row in rows}
