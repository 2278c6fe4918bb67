"""The span of a question: its whole local days, and the moments left at its two ends.

Promise: every moment of a span lies in exactly one of its whole days or ends, also when days have
23 or 25 hours, or when a clock goes back over midnight. A day is whole when no moment
outside the span belongs to it. Days are those of Postgres' time zone data, as in the fold. Times of
a question lie on quarters of an hour, on which the days of every zone begin and end.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from shared.db.engine import driver

# The days around each end are looked at in quarters of an hour: the last day that began before it,
# and the first day that is not over at it. No clock was set back by more than a day since 1970.
# `whole_at` is the (last) beginning of the first whole day, `rest_at` the first moment behind the
# whole days.
DAYS_OF_TIMES: Final = """
WITH ends AS (
    SELECT side, max(day) FILTER (WHERE quarter < 0) AS begun_on,
           min(day) FILTER (WHERE quarter >= 0) AS open_on
    FROM (VALUES (0, $1::timestamptz), (1, $2::timestamptz)) AS asked (side, at)
    CROSS JOIN generate_series(-96, 95) AS quarter
    CROSS JOIN LATERAL (
        SELECT ((at + quarter * interval '15 minutes') AT TIME ZONE $3)::date AS day
    ) AS local
    GROUP BY side
)
SELECT a.open_on AS from_on, b.begun_on AS to_on,
       a.begun_on + 1 AS first_on, b.open_on - 1 AS last_on,
       (a.begun_on + 1)::timestamp AT TIME ZONE $3 AS whole_at,
       (SELECT min(at) FROM generate_series(-96, 0) AS quarter
        CROSS JOIN LATERAL (
            SELECT (b.open_on::timestamp AT TIME ZONE $3) + quarter * interval '15 minutes' AS at
        ) AS before
        WHERE (at AT TIME ZONE $3)::date >= b.open_on) AS rest_at
FROM ends AS a JOIN ends AS b ON a.side = 0 AND b.side = 1
"""

_DAY: Final = timedelta(days=1)

Asked = tuple[date, date] | tuple[datetime, datetime]
"""Local days, both inclusive, or moments, half-open."""


@dataclass(frozen=True, slots=True)
class Moments:
    """The moments of [from_at, to_at) that belong to local days from `first_on` to `last_on`."""

    from_at: datetime
    to_at: datetime
    first_on: date
    last_on: date


@dataclass(frozen=True, slots=True)
class Span:
    """A span as asked for.

    Its moments belong to local days from `from_on` to `to_on`. It holds the days from `first_on` to
    `last_on` whole (none when `last_on` is earlier); `ends` hold the rest. `times` are the moments
    asked for, None where days were asked for.
    """

    from_on: date
    to_on: date
    first_on: date
    last_on: date
    ends: Sequence[Moments] = ()
    times: tuple[datetime, datetime] | None = None


async def span_of(conn: AsyncConnection, time_zone: str, asked: Asked) -> Span:
    """Return the span of the days or times asked for."""
    start, end = asked
    if not isinstance(start, datetime) or not isinstance(end, datetime):
        return Span(start, end, start, end)
    found = await (await driver(conn)).fetchrow(DAYS_OF_TIMES, start, end, time_zone)
    assert found is not None, "the aggregate gives one row"
    from_on, to_on, first_on, last_on, whole_at, rest_at = found
    ends = [
        Moments(start, whole_at, from_on, first_on - _DAY),
        Moments(rest_at, end, last_on + _DAY, to_on),
    ]
    if first_on > last_on:
        ends = [Moments(start, end, from_on, to_on)]
    kept = [part for part in ends if part.first_on <= part.last_on]
    return Span(from_on, to_on, first_on, last_on, kept, (start, end))
