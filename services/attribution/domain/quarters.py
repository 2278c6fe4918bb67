"""The UTC quarter of an hour of a moment: the grain of touch counts and of ledger slots.

Promise: offsets of time zones are whole quarters of an hour, so quarters fall into one local hour
and one local day of every zone.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

_QUARTER: Final = timedelta(minutes=15)
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)


def quarter_number(moment: datetime) -> int:
    """Return the number of the quarter of an hour that contains a moment."""
    return (moment - _EPOCH) // _QUARTER


def quarter_at(number: int) -> datetime:
    """Return the time at which a quarter of an hour begins."""
    return _EPOCH + number * _QUARTER


def quarter_of(moment: datetime) -> datetime:
    """Return the start of the quarter of an hour that contains a moment."""
    return quarter_at(quarter_number(moment))
