"""The formula of a figure with the values in it. Pure.

Promise: the values are of the same row of the same answer as the figure.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from services.dashboard.layout.frame import Frame
from services.dashboard.tables.answers import TOO_FEW
from services.dashboard.tables.table import Cell
from services.dashboard.tables.texts import figure_cell, figure_text, interval_text

Json = Mapping[str, Any]
_WORD: Final = re.compile(r"[a-z_]+")
# Where no row has the figure, that of these headline figures is it.
_HEADLINES: Final = ("program", "totals")


@dataclass(frozen=True, slots=True)
class Explained:
    """A figure, its interval in words, the values of its formula, and the formula with them.

    `with_values` is None for a formula that names no other figure.
    """

    cell: Cell
    interval: str | None
    values: Sequence[tuple[str, Cell]]
    with_values: str | None


def parts_of_formula(metric: str, told: Json, metrics: Mapping[str, Json]) -> Sequence[str]:
    """Return the metrics that a formula names: its inputs, and the words of its text."""
    named = dict.fromkeys((*told["inputs"], *_WORD.findall(told["formula"])))
    return [name for name in named if name in metrics and name != metric]


def explained(
    frame: Frame, metric: str, told: Json, groups: Sequence[str], answer: Json
) -> Explained:
    """Return the figure of the view and the values of its formula."""
    row = _row(groups, answer)
    measures = row.get("measures", row)
    kept = {name.removeprefix("filter."): value for name, value in frame.view.filters}
    values = [
        (
            frame.metrics.name(name),
            figure_cell(name, measures.get(name), why=frame.why(name, **kept)),
        )
        for name in parts_of_formula(metric, told, frame.metrics.by_id)
    ]
    ends = (row.get("intervals") or {}).get(metric)
    interval = interval_text(metric, ends)
    if interval is None and row.get("too_few") and told.get("interval"):
        interval = TOO_FEW
    cell = figure_cell(metric, measures.get(metric))
    return Explained(cell, interval, values, _with_values(told["formula"], measures, metric))


def _with_values(formula: str, measures: Json, metric: str) -> str | None:
    """Return the formula with each figure that it names as its value."""
    found = _WORD.sub(
        lambda word: (
            figure_text(word[0], measures[word[0]])
            if word[0] in measures and word[0] != metric
            else word[0]
        ),
        formula,
    )
    return None if found == formula else found


def _row(groups: Sequence[str], answer: Json) -> Json:
    rows: Sequence[Json] = answer["rows"]
    if groups and len(rows) == 1:
        return rows[0]
    # Without a group it is the program's figure; with several rows, the sum of all.
    found: Json = answer[_HEADLINES[0] if not groups else _HEADLINES[1]]
    return found
