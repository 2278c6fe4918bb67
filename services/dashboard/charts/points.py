"""The values that charts over time draw: points, and series of them. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

Number = int | Decimal
NO_FIGURE: Final = "no figure"


@dataclass(frozen=True, slots=True)
class Point:
    """One place of a series, such as a day: its label, its value (None: missing), and its text.

    `short` is the label on the axis, where that differs. `low` and `high` are the ends of an
    interval, and `interval_text` is their text.
    """

    label: str
    value: Number | None
    text: str
    short: str | None = None
    low: Number | None = None
    high: Number | None = None
    interval_text: str | None = None

    @property
    def said(self) -> str:
        """Return the text of the value and of what else is drawn at this place."""
        if self.value is None:
            return NO_FIGURE
        return f"{self.text} ({self.interval_text})" if self.interval_text else self.text


@dataclass(frozen=True, slots=True)
class Series:
    """A line and its name."""

    label: str
    points: Sequence[Point]
