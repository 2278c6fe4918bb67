"""The period of a question: its days or times, the first event, and the period that is compared.

Promise: a period that is compared lies a whole number of weeks earlier, so weekdays match.
What can go wrong: a 422 names `from` or `compare` where the period is not one.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from services.roi.answers.context import AnswerContext
from services.roi.answers.question import ALL, RoiParameters
from services.roi.answers.span import Asked
from services.roi.wire.fields import QUARTER, quarter_of
from shared.db.engine import driver
from shared.http.problems import field_problem

DEFAULT_SPAN_DAYS: Final = 30
# Ten years with up to 3 leap days. A span is a list of days, so it needs a limit.
SPAN_DAYS_MAX: Final = 3_653
# A hundred years: from the first event on, whenever it was.
ALL_DAYS_MAX: Final = 36_525
_DAY: Final = timedelta(days=1)
_WEEK_DAYS: Final = 7
_YEAR_DAYS: Final = 364
_FIRST_YEAR: Final = 1970

# Each part is the first row of an index; of costs, a span has at most some thousands.
FIRST_EVENT: Final = """
SELECT min(first.at) AS at, (min(first.at) AT TIME ZONE $3)::date AS day
FROM (
    (SELECT e.occurred_at AS at FROM roi.credit_entries AS e
     WHERE e.workspace_id = $1 AND e.known_at <= $2 ORDER BY e.occurred_at LIMIT 1)
    UNION ALL
    (SELECT coalesce(e.touched_at, e.occurred_at) FROM roi.credit_entries AS e
     WHERE e.workspace_id = $1 AND e.known_at <= $2
     ORDER BY coalesce(e.touched_at, e.occurred_at) LIMIT 1)
    UNION ALL
    (SELECT t.quarter_at FROM roi.touch_tallies AS t
     WHERE t.workspace_id = $1 AND t.known_at <= $2 ORDER BY t.quarter_at LIMIT 1)
    UNION ALL
    (SELECT min(c.incurred_on)::timestamp AT TIME ZONE $3 FROM roi.cost_versions AS c
     WHERE c.workspace_id = $1 AND c.recorded_at <= $2
       AND (c.superseded_at IS NULL OR c.superseded_at > $2) AND c.archived_at IS NULL)
) AS first
"""


async def asked_period(
    conn: AsyncConnection, at: AnswerContext, asked: RoiParameters, now: datetime
) -> Asked:
    """Return the days or times asked for; a 422 names `from` when they are not a span.

    The default end is today, or the end of this quarter of an hour; the default length is 30 days.
    """
    if asked.from_ == ALL:
        return await _since_the_first(conn, at, asked)
    is_times = {isinstance(end, datetime) for end in (asked.from_, asked.to) if end is not None}
    if len(is_times) > 1:
        message = "must be a date where to is one, and a time where to is one"
        raise field_problem("from", message)
    if True in is_times:
        return _times(asked, now)
    to_on = asked.to or max(at.today, _day(asked.from_) or at.today)
    from_on = _day(asked.from_) or to_on - timedelta(days=DEFAULT_SPAN_DAYS - 1)
    if from_on > to_on:
        raise field_problem("from", "is after to")
    if (to_on - from_on).days >= SPAN_DAYS_MAX:
        raise field_problem("from", f"is more than {SPAN_DAYS_MAX} days before to")
    return from_on, to_on


def _day(value: object) -> date | None:
    return value if isinstance(value, date) else None


def _times(asked: RoiParameters, now: datetime) -> tuple[datetime, datetime]:
    to = asked.to or quarter_of(now) + QUARTER
    assert isinstance(to, datetime)
    from_ = asked.from_ or to - timedelta(days=DEFAULT_SPAN_DAYS)
    assert isinstance(from_, datetime)
    if from_ >= to:
        raise field_problem("from", "is not before to")
    if to - from_ > timedelta(days=SPAN_DAYS_MAX):
        raise field_problem("from", f"is more than {SPAN_DAYS_MAX} days before to")
    return from_, to


async def _since_the_first(conn: AsyncConnection, at: AnswerContext, asked: RoiParameters) -> Asked:
    """Return the period from the first event on that is known at the answer's moment."""
    pg = await driver(conn)
    first = await pg.fetchrow(FIRST_EVENT, at.workspace_id, at.as_of, at.time_zone)
    assert first is not None, "the aggregate gives one row"
    found: Asked
    if isinstance(asked.to, datetime):
        before = asked.to - QUARTER
        found = min(quarter_of(first["at"] or before), before), asked.to
    else:
        to_on = asked.to or at.today
        found = min(first["day"] or to_on, to_on), to_on
    if _days(found) > ALL_DAYS_MAX:
        raise field_problem("from", f"gives more than {ALL_DAYS_MAX} days: send a date")
    return found


def _days(period: Asked) -> int:
    """Return how many days a period has; a part of a day counts as one."""
    start, end = period
    if isinstance(start, datetime) and isinstance(end, datetime):
        return -(-(end - start) // _DAY)
    return end.toordinal() - start.toordinal() + 1


def compared_period(kind: str, period: Asked, time_zone: str) -> tuple[Asked, timedelta]:
    """Return the period to compare with, and by how many days it lies earlier.

    Times keep their place on the workspace's clock. A 422 names `compare` when the period would
    begin before 1970.
    """
    weeks = -(-_days(period) // _WEEK_DAYS)
    shift = timedelta(days=weeks * _WEEK_DAYS if kind == "previous" else _YEAR_DAYS)
    start, end = period
    if (start - shift).year <= _FIRST_YEAR:
        raise field_problem("compare", f"gives a period that begins before {_FIRST_YEAR + 1}")
    if not isinstance(start, datetime) or not isinstance(end, datetime):
        return (start - shift, end - shift), shift
    zone = ZoneInfo(time_zone)
    first, last = (
        quarter_of((moment.astimezone(zone) - shift).astimezone(UTC)) for moment in (start, end)
    )
    # Two clock times may be one moment, or change places, where a clock is set forward.
    return (first, max(last, first + QUARTER)), shift
