"""Dimension `week`: the ISO 8601 week of the local day, from Monday to Sunday, such as 2026-W11.

The year is the ISO year: the last days of December may belong to week 1 of the next one.
"""

from datetime import date, timedelta
from typing import Final

from services.roi.answers.kinds import Dimension, FromTime


def monday_of(day: date) -> date:
    """Return the first day of a day's ISO week."""
    return day - timedelta(days=day.weekday())


def week_word(day: date) -> str:
    """Return a day's ISO year and week, such as 2026-W01."""
    year, week, _ = day.isocalendar()
    return f"{year:04}-W{week:02}"


WEEK: Final = Dimension(
    id="week",
    label="Week",
    source=FromTime(monday_of, week_word),
    order=str,
    pattern=r"\d{4}-W\d{2}",
)
