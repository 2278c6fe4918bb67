"""Dimension `month`: the calendar month of the local day, such as 2026-03."""

from datetime import date
from typing import Final

from services.roi.answers.kinds import Dimension, FromTime


def first_of_month(day: date) -> date:
    """Return the first day of a day's month."""
    return day.replace(day=1)


def month_word(day: date) -> str:
    """Return a day's year and month, such as 2026-03."""
    return f"{day.year:04}-{day.month:02}"


MONTH: Final = Dimension(
    id="month",
    label="Month",
    source=FromTime(first_of_month, month_word),
    order=str,
    pattern=r"\d{4}-\d{2}",
)
