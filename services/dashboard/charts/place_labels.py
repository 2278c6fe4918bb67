"""The labels under a line: as many as fit at every width. Pure.

Promise: at the least width no two labels overlap. A label of the class `wide` joins them in a
drawing of `WIDTH_WIDE_PX`, where no two of all overlap either.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from services.dashboard.charts.svg import (
    WIDTH_LEAST_PX,
    WIDTH_WIDE_PX,
    shortened,
    text_at,
    width_px,
)

GAP_PX: Final = 10
LABEL_PX_MAX: Final = WIDTH_LEAST_PX / 2
Place = tuple[float, str]  # a share of the width, and the label there


def place_labels(places: Sequence[Place], y: float) -> Sequence[str]:
    """Return the texts of the axis."""
    places = [(share, shortened(label, LABEL_PX_MAX)) for share, label in places]
    wide = _step(places, WIDTH_WIDE_PX, 1)
    narrow = _step(places, WIDTH_LEAST_PX, wide)
    return [
        text_at(
            share,
            y,
            label,
            None if at % narrow == 0 else "wide",
            anchor_of(share, label),
        )
        for at, (share, label) in enumerate(places)
        if at % wide == 0
    ]


def anchor_of(share: float, label: str) -> str:
    """Return how a label hangs at its place without leaving the drawing at any width."""
    place, half = share * WIDTH_LEAST_PX, width_px(label) / 2
    return "start" if place < half else "end" if place + half > WIDTH_LEAST_PX else "middle"


def box_px(share: float, label: str, total_px: float) -> tuple[float, float]:
    """Return where a label begins and ends in a drawing of a width."""
    before = {"start": 0.0, "middle": 0.5, "end": 1.0}[anchor_of(share, label)]
    begins = share * total_px - width_px(label) * before
    return begins, begins + width_px(label)


def _step(places: Sequence[Place], total_px: float, of: int) -> int:
    """Return the smallest multiple of `of` so that labels this far apart do not overlap."""
    for step in range(of, max(len(places), of), of):
        boxes = [box_px(*place, total_px) for place in places[::step]]
        if all(left[1] + GAP_PX <= right[0] for left, right in pairwise(boxes)):
            return step
    # The first label alone.
    return max(len(places), 1) * of
