"""Dimension `day`: the local day of the workspace, such as 2026-03-10."""

from datetime import date
from typing import Final

from services.roi.answers.kinds import Dimension, FromTime


def _itself(day: date) -> date:
    return day


DAY: Final = Dimension(
    id="day",
    label="Day",
    source=FromTime(_itself, date.isoformat),
    order=str,
    pattern=r"\d{4}-\d{2}-\d{2}",
)
