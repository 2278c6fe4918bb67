"""Dimension `quarter`: the calendar quarter of the local day, such as 2026-Q1."""

from datetime import date
from typing import Final

from services.roi.answers.kinds import Dimension, FromTime

MONTHS_PER_QUARTER: Final = 3


def first_of_quarter(day: date) -> date:
    """Return the first day of a day's quarter."""
    return day.replace(month=day.month - (day.month - 1) % MONTHS_PER_QUARTER, day=1)


def quarter_word(day: date) -> str:
    """Return a day's year and quarter, such as 2026-Q1."""
    return f"{day.year:04}-Q{(day.month - 1) // MONTHS_PER_QUARTER + 1}"


QUARTER: Final = Dimension(
    id="quarter",
    label="Quarter",
    source=FromTime(first_of_quarter, quarter_word),
    order=str,
    pattern=r"\d{4}-Q[1-4]",
)
