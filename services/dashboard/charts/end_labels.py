"""The names at the ends of lines: each beside its own end, where they cover least. Pure.

Promise: no two names overlap. A name begins at the last known point and runs back over the plot.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from services.dashboard.charts.svg import (
    WIDTH_LEAST_PX,
    fitted,
    shortened,
    text_at,
    width_px,
)

LINE_PX: Final = 15
# A name stands above its end; each covered point is as bad as so many pixels farther away.
_ABOVE_PX: Final = 7
_COVERED_PX: Final = 20
Spot = tuple[float, float]  # a share of the width, and pixels from the top


def end_labels(
    names: Sequence[tuple[str, str]], lines: Sequence[Sequence[Spot]], bottom_px: float
) -> Sequence[str]:
    """Return the name of each line with a point; a name is its text and its classes."""
    found, taken = [], list[float]()
    drawn = [
        *(spot for line in lines for spot in line),
        *(((a + c) / 2, (b + d) / 2) for line in lines for (a, b), (c, d) in pairwise(line)),
    ]
    ending = [pair for pair in zip(names, lines, strict=True) if pair[1]]
    # The upper end first, so that names stand in the order of their ends.
    for (name, kind), line in sorted(ending, key=lambda pair: pair[1][-1][1]):
        text = shortened(name, WIDTH_LEAST_PX * 0.6)
        share, y = line[-1]
        place, anchor = (share, "end") if share > 0.6 else fitted(share, width_px(text))
        baseline = _baseline(y, _span(place, anchor, text), drawn, taken, bottom_px)
        taken.append(baseline)
        found.append(text_at(place, baseline, text, f"end-label {kind}", anchor))
    return found


def _span(place: float, anchor: str, text: str) -> Spot:
    """Return the shares of the least width between which a name lies."""
    share = width_px(text) / WIDTH_LEAST_PX
    return (place - share, place) if anchor == "end" else (place, place + share)


def _baseline(
    y: float, span: Spot, drawn: Sequence[Spot], taken: Sequence[float], bottom_px: float
) -> float:
    """Return the baseline near a line's end that is free of names and covers fewest points."""
    beneath = [spot[1] for spot in drawn if span[0] <= spot[0] <= span[1]]
    # Three taken names block 90 px of the plot, which is higher.
    free = [
        baseline
        for baseline in range(LINE_PX - 3, int(bottom_px) - 3)
        if all(abs(baseline - other) >= LINE_PX for other in taken)
    ]
    return min(free, key=lambda one: _cost(one, y, beneath))


def _cost(baseline: int, y: float, beneath: Sequence[float]) -> float:
    covered = sum(baseline - LINE_PX <= other <= baseline + 5 for other in beneath)
    return covered * _COVERED_PX + abs(y - _ABOVE_PX - baseline)
