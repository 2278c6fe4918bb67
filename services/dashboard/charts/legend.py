"""A legend: each sign with its word, in as many lines as the least width needs. Pure."""

from collections.abc import Sequence
from typing import Final

from services.dashboard.charts.svg import (
    WIDTH_LEAST_PX,
    shortened,
    tag,
    text_at,
    width_px,
)

LINE_PX: Final = 20
_SIGN_PX: Final = 16
_GAP_PX: Final = 14


def legend(entries: Sequence[tuple[str, str]]) -> tuple[Sequence[str], int]:
    """Return the entries and their height; an entry is a drawn sign of 12 pixels and its word."""
    found, x, y = [], 0.0, 0
    for sign, word in entries:
        text = shortened(word, WIDTH_LEAST_PX - _SIGN_PX)
        wide_px = _SIGN_PX + width_px(text)
        if x and x + wide_px > WIDTH_LEAST_PX:
            x, y = 0.0, y + LINE_PX
        inside = sign + tag("g", text_at(0, 11, text), transform=f"translate({_SIGN_PX} 0)")
        found.append(tag("g", inside, transform=f"translate({x:.0f} {y})"))
        x += wide_px + _GAP_PX
    return found, y + LINE_PX if entries else 0
