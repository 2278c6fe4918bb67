"""Tables made of answers of the API: a column for each metric, a row for each group. Pure.

Promise: rows, headline figures and totals of a table are of one answer, so they add up as it does.
Each figure leads to how it came about. A row with too few orders says so beside its figures.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from services.dashboard.tables.table import Cell, Column, Row, RowKind, Table
from services.dashboard.tables.texts import figure_cell, figure_text, figure_value, interval_text

TOO_FEW: Final = "too few to rank"
Json = Mapping[str, Any]
# Headline figures in the foot of a table, with their labels. The rows and organic make up the
# total; the program is the part of creators. The brand's own content and overhead are rows.
FootPart = tuple[str, str, RowKind]
FOOT: Final[Sequence[FootPart]] = (
    ("program", "Program", "total"),
    ("organic", "Organic: no creator", "organic"),
    ("totals", "All together", "total"),
)


def _no_facts(_: Json) -> Sequence[Cell]:
    return ()


@dataclass(frozen=True, slots=True)
class Shown:
    """How an answer becomes a table.

    `names` gives the label of a metric, `link` where the label of a row leads, and `why` the
    address that explains a metric of a row; both get the group of the row. `interval_of` is the
    metric whose interval stands under its figures. Beyond `rows_max` rows the others are one row
    with the sums of the `additive` metrics. `facts` are columns of what is known beside figures:
    they stand before these, and `facts_of` gives their cells for the group of a row. `foot` names
    the headline figures in the foot with their labels.
    """

    metrics: Sequence[str]
    names: Callable[[str], str]
    link: Callable[[Json], str | None]
    why: Callable[[str, Json], str | None]
    interval_of: str | None = None
    bar_of: str | None = None
    additive: frozenset[str] = frozenset()
    rows_max: int | None = None
    facts: Sequence[Column] = ()
    facts_of: Callable[[Json], Sequence[Cell]] = _no_facts
    foot: Sequence[FootPart] = FOOT


def answer_table(
    id_: str,
    caption: str,
    label: str,
    answer: Json,
    shown: Shown,
    rest: Sequence[tuple[str, Json]] = (),
) -> Table:
    """Return the table of an answer of `GET /v1/roi`; `label` is the title of the first column.

    `rest` are labels and groups of what exists and has no figure in the answer.
    """
    columns = [
        Column("label", label),
        *shown.facts,
        *metric_columns(shown.metrics, shown.names),
    ]
    longest = _longest(answer["rows"], shown.bar_of)
    given = answer["rows"]
    # One other row is shown as itself.
    cut = (
        len(given) if shown.rows_max is None or len(given) <= shown.rows_max + 1 else shown.rows_max
    )
    rows = [
        Row(
            (
                Cell(row["label"], row["label"], href=shown.link(row["group"])),
                *_facts(row["group"], shown),
                *_cells(row, row["measures"], shown, _explained(row), longest),
            ),
            "unallocated" if None in row["group"].values() else "row",
        )
        for row in given[:cut]
    ]
    if given[cut:]:
        rows.append(_others(given[cut:], shown))
    rows += [_without_figures(name, group, shown) for name, group in rest]
    return Table(id_, caption, columns, rows, foot(answer, shown))


def _facts(group: Json, shown: Shown) -> Sequence[Cell]:
    return _no_cells(shown) if None in group.values() else shown.facts_of(group)


def _no_cells(shown: Shown) -> Sequence[Cell]:
    return [Cell("") for _ in shown.facts]


def _without_figures(label: str, group: Json, shown: Shown) -> Row:
    figures = [figure_cell(metric, None) for metric in shown.metrics]
    name = Cell(label, label, href=shown.link(group))
    return Row((name, *_facts(group, shown), *figures))


def _others(rows: Sequence[Json], shown: Shown) -> Row:
    label = f"{len(rows)} others"
    cells = [Cell(label, label), *_no_cells(shown)]
    for metric in shown.metrics:
        value = _sum([row["measures"].get(metric) for row in rows])
        cells.append(figure_cell(metric, value if metric in shown.additive else None))
    return Row(cells)


def _sum(values: Sequence[Any]) -> Any:
    """Return the sum of figures: numbers, or amounts of one currency. None where one is a list."""
    known = [value for value in values if value is not None]
    if not known or any(isinstance(value, list) for value in known):
        return None
    if isinstance(known[0], Mapping):
        minor = sum(value["amount_minor"] for value in known)
        return {"amount_minor": minor, "currency": known[0]["currency"]}
    total = sum(Decimal(repr(value)) for value in known)
    return int(total) if total == int(total) else total


def metric_columns(metrics: Sequence[str], names: Callable[[str], str]) -> list[Column]:
    """Return a column for each metric."""
    return [Column(metric, names(metric), "number") for metric in metrics]


def foot(answer: Json, shown: Shown) -> list[Row]:
    """Return the headline figures and totals of an answer that have any figure."""
    found = []
    for part, label, kind in shown.foot:
        measures = answer.get(part)
        if isinstance(measures, Mapping) and (part in ("program", "totals") or _any(measures)):
            found.append(_foot_row(part, label, kind, measures, shown))
    return found


def _foot_row(part: str, label: str, kind: RowKind, measures: Json, shown: Shown) -> Row:
    group = None if part == "totals" else {"part": part}
    cells = [
        figure_cell(
            metric,
            measures.get(metric),
            why=None if group is None else shown.why(metric, group),
            note=_note(measures, metric, shown),
        )
        for metric in shown.metrics
    ]
    return Row((Cell(label, label), *_no_cells(shown), *cells), kind)


def _explained(row: Json) -> Json | None:
    """Return the group by which a row is explained. Rows without a group have a part, or none."""
    if None not in row["group"].values():
        group: Json = row["group"]
        return group
    return {"part": "brand"} if row["label"] == "brand" else None


def _cells(
    row: Json, measures: Json, shown: Shown, group: Json | None, longest: Decimal | None
) -> list[Cell]:
    cells = []
    for metric in shown.metrics:
        cell = figure_cell(
            metric,
            measures.get(metric),
            why=None if group is None else shown.why(metric, group),
            note=_note(row, metric, shown),
        )
        if metric == shown.bar_of and longest:
            cell = Cell(
                cell.text,
                cell.value,
                why=cell.why,
                note=cell.note,
                bar=_share(figure_value(measures.get(metric)), longest),
            )
        cells.append(cell)
    return cells


def _note(row: Json, metric: str, shown: Shown) -> str | None:
    if metric != shown.interval_of:
        return None
    if row.get("too_few"):
        return TOO_FEW
    return interval_text(metric, (row.get("intervals") or {}).get(metric))


def _longest(rows: Sequence[Json], metric: str | None) -> Decimal | None:
    if metric is None:
        return None
    values = [figure_value(row["measures"].get(metric)) for row in rows]
    numbers = [Decimal(value) for value in values if isinstance(value, int | Decimal)]
    return max(numbers, default=Decimal(0)) or None


def _share(value: object, longest: Decimal) -> float | None:
    if not isinstance(value, int | Decimal) or longest <= 0:
        return None
    return max(0.0, float(Decimal(value) / longest))


def _any(measures: Json) -> bool:
    """Return whether any figure is neither missing nor zero."""
    values = (value for name, value in measures.items() if name not in _NO_FIGURES)
    return any(_is_something(value) for value in values)


_NO_FIGURES: Final = frozenset({"intervals", "too_few", "pays", "compared"})


def _is_something(value: Any) -> bool:
    if isinstance(value, Mapping):
        return bool(value.get("amount_minor"))
    if isinstance(value, list):
        return any(map(_is_something, value))
    return bool(value)


# --- changes -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Change:
    """The change of a figure against the compared period: a text and a direction."""

    text: str
    direction: int


def change_of(metric: str, now: Any, then: Any, *, is_additive: bool) -> Change | None:
    """Return the change of a figure: a percentage of sums, a difference of ratios.

    None where one of the two is missing. A sum that was 0 before has no percentage.
    """
    after, before = figure_value(now), figure_value(then)
    if not isinstance(after, int | Decimal) or not isinstance(before, int | Decimal):
        return None
    difference = Decimal(after) - Decimal(before)
    direction = (difference > 0) - (difference < 0)
    if not is_additive or not before:
        return Change(f"from {figure_text(metric, then)}", direction)
    share = abs(difference / abs(Decimal(before))) * 100
    return Change(f"{share:.1f} % from {figure_text(metric, then)}", direction)
