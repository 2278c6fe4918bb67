"""The tables of a funnel: the stages of the program, and the return per cost of each row.

Promise: every figure comes from the answer of roi; a missing one is a dash, never 0.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from rich.console import Group
from rich.table import Table
from rich.text import Text

from services.cli.answers.roi_table import DASH, amounts, is_headline
from services.roi.answers.dictionary import METRICS
from services.roi.answers.kinds import Headline
from services.roi.answers.metrics.bcr import BCR

_LAYER: Final = "booked"


def stages_table(answer: Mapping[str, Any]) -> Group:
    """Return the six stages of the program."""
    meta = answer["meta"]
    is_one = meta["currency"] is not None
    table = Table(box=None, pad_edge=False)
    table.add_column("stage")
    table.add_column("volumes", overflow="fold")
    table.add_column("from before", justify="right", no_wrap=True)
    table.add_column("cost per unit", overflow="fold")
    table.add_column("came back", justify="right", no_wrap=True)
    table.add_column("per 1.00", justify="right", no_wrap=True)
    for stage in answer["program"]["stages"]:
        table.add_row(
            stage["stage"],
            "\n".join(_volumes(stage["volumes"])) or DASH,
            _share(stage["rate_from_previous"]),
            "\n".join(_costs(stage["cost_per_unit"], is_one=is_one)) or DASH,
            amounts(stage["return"][_LAYER], is_one=is_one),
            _ratio(stage["return_per_cost"][_LAYER]),
        )
    program = answer["program"]
    cost = amounts(program["cost"], is_one=is_one)
    last = f"cost {cost}, BCR {_ratio(program[BCR.id][_LAYER])}"
    title = (
        f"The program at each stage, {meta['from']} to {meta['to']}, model {meta['model']},"
        f" in {' and '.join(meta['currencies'])}"
    )
    return Group(Text(title, style="italic"), table, Text(last, style="bold"))


def rows_table(answer: Mapping[str, Any]) -> Group:
    """Return what each row brought for 1.00 of its cost, stage by stage."""
    table = Table(box=None, pad_edge=False)
    table.add_column(" · ".join(answer["meta"]["group_by"]), overflow="fold")
    for stage in answer["program"]["stages"]:
        table.add_column(stage["stage"], justify="right")
    table.add_column("BCR", justify="right")
    for row in answer["rows"]:
        if is_headline(row, Headline.OVERHEAD):
            continue
        per_cost = [_ratio(stage["return_per_cost"][_LAYER]) for stage in row["stages"]]
        table.add_row(row["label"], *per_cost, _ratio(row[BCR.id][_LAYER]))
    title = "What came back for 1.00 of cost (booked)"
    return Group(Text(title, style="italic"), table)


def _volumes(volumes: Mapping[str, float | None]) -> Iterator[str]:
    """Yield the volumes that are known and not zero."""
    for name, value in volumes.items():
        if value:
            yield f"{METRICS[name].name.lower()} {value:,g}"


def _costs(costs: Mapping[str, Any], *, is_one: bool) -> Iterator[str]:
    for name, value in costs.items():
        shown = amounts(value, is_one=is_one)
        if value is not None and shown != DASH:
            yield f"{METRICS[name].name.lower()} {shown}"


def _share(value: float | None) -> str:
    return DASH if value is None else f"{value:.1%}"


def _ratio(value: Any) -> str:
    """Return a ratio, one line for each currency."""
    if isinstance(value, list):
        known = [f"{item['value']:.2f}" for item in value if item["value"] is not None]
        return "\n".join(known) or DASH
    return DASH if value is None else f"{value:.2f}"
