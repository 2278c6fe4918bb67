"""Dimension `month_of_year`: the month of the local day in any year, such as march."""

from datetime import date
from typing import Final

from services.roi.answers.dimensions.month import first_of_month
from services.roi.answers.kinds import Dimension, FromTime

MONTHS: Final = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)


def month_name(day: date) -> str:
    """Return a day's month in English."""
    return MONTHS[day.month - 1]


MONTH_OF_YEAR: Final = Dimension(
    id="month_of_year",
    label="Month of the year",
    source=FromTime(first_of_month, month_name, recurring_days=28),
    order=MONTHS.index,
    words=MONTHS,
)
