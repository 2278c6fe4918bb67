"""Round moments for an axis of time: minutes, hours, or local days. Pure.

Promise: days begin at local midnight, so a day may have 23 or 25 hours. There are few moments, all
between the ends.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

# So many steps between the ends have room for one moment more.
STEPS_MOST: Final = 5
_MINUTES: Final = (1, 5, 15, 30, 60, 180, 360, 720)
_DAYS: Final = (1, 2, 7, 14, 30, 60, 90, 180, 365, 730, 1_825, 3_650)


def time_ticks(first: datetime, last: datetime) -> Sequence[datetime]:
    """Return round moments in the zone of `first`."""
    begin, end = first.astimezone(UTC), last.astimezone(UTC)
    span = end - begin
    for minutes in _MINUTES:
        if span <= STEPS_MOST * timedelta(minutes=minutes):
            return _clock(first, end, timedelta(minutes=minutes))
    days = next((days for days in _DAYS if span <= STEPS_MOST * timedelta(days=days)), _DAYS[-1])
    return _midnights(first, end, days)


def _clock(first: datetime, end: datetime, step: timedelta) -> list[datetime]:
    """Return moments a step apart, counted from the local midnight before."""
    begin, moment = first.astimezone(UTC), _midnight(first.date(), first).astimezone(UTC)
    moment += -((moment - begin) // step) * step
    found = []
    while moment <= end:
        found.append(moment.astimezone(first.tzinfo))
        moment += step
    return found


def _midnights(first: datetime, end: datetime, days: int) -> list[datetime]:
    day, found = first.date() + timedelta(days=1), []
    while (moment := _midnight(day, first)).astimezone(UTC) <= end:
        found.append(moment)
        day += timedelta(days=days)
    return found


def _midnight(day: date, like: datetime) -> datetime:
    return datetime.combine(day, time(), like.tzinfo)
