"""Dimension `weekday`: the day of the week of the local day, such as monday."""

from datetime import date
from typing import Final

from services.roi.answers.kinds import Dimension, FromTime

WEEKDAYS: Final = (
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
)


def _itself(day: date) -> date:
    return day


def weekday_word(day: date) -> str:
    """Return a day's weekday in English."""
    return WEEKDAYS[day.weekday()]


WEEKDAY: Final = Dimension(
    id="weekday",
    label="Weekday",
    source=FromTime(_itself, weekday_word, recurring_days=1),
    order=WEEKDAYS.index,
    words=WEEKDAYS,
)
