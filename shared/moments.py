"""The times that Laurel accepts: those whose day exists in every time zone.

Promise: one function checks every time from outside, after its conversion to UTC. A local day of an
accepted time is between 1970 and 8999 in each zone, so reports by day can name it.
What can go wrong: `ValueError`, whose text says what to send.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

# The offsets of time zones are from -12:00 to +14:00, less than this.
_ZONE_OFFSET_MAX: Final = timedelta(days=1)
MOMENT_MIN: Final = datetime(1970, 1, 1, tzinfo=UTC) + _ZONE_OFFSET_MAX
MOMENT_END: Final = datetime(9000, 1, 1, tzinfo=UTC) - _ZONE_OFFSET_MAX


def in_calendar(moment: datetime) -> datetime:
    """Return an aware time in UTC. Raises `ValueError` when no report could name its day."""
    try:
        found = moment.astimezone(UTC)
    except OverflowError:  # an offset at the ends of Python's calendar
        found = MOMENT_END
    if not MOMENT_MIN <= found < MOMENT_END:
        raise ValueError(
            f"the year must be between 1970 and 8999 in every time zone: send a time from"
            f" {MOMENT_MIN:%Y-%m-%dT%H:%M:%SZ} on and before {MOMENT_END:%Y-%m-%dT%H:%M:%SZ}"
        )
    return found
