"""The tables of a funnel: the stages of the program, and the return per cost of each row.

Promise: every figure comes from the answer of roi; a missing one is a dash, never 0. Each layer of
return has columns of its own under its name; a layer of which nothing is known has none.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from rich.console import Group
from rich.table import Table
from rich.text import Text

from services.cli.answers.roi_table import DASH, amounts, count, is_headline
from services.roi.answers.dictionary import METRICS
from services.roi.answers.funnel.funnel_shapes import LAYERED_RATIOS
from services.roi.answers.kinds import Headline, Layer
from services.roi.answers.metrics.bcr import BCR

_PER_COST: Final = "per 1.00"
# Inputs that are named, those that move the ratio most.
_MOVED_MAX: Final = 4


def stages_table(answer: Mapping[str, Any]) -> Group:
    """Return the six stages of the program."""
    meta, program = answer["meta"], answer["program"]
    is_one = meta["currency"] is not None
    layers = _layers(program)
    table = Table(box=None, pad_edge=False)
    table.add_column("stage")
    table.add_column("volumes", overflow="fold")
    table.add_column("people", justify="right", no_wrap=True)
    table.add_column("from before", justify="right", no_wrap=True)
    table.add_column("cost per unit", overflow="fold")
    for layer in layers:
        table.add_column(layer.value, justify="right", no_wrap=True)
        table.add_column(_PER_COST, justify="right", no_wrap=True)
    for stage in program["stages"]:
        returns = [
            text
            for layer in layers
            for text in (
                _known_money(stage["return"][layer.value], is_one=is_one),
                _ratio(stage["return_per_cost"][layer.value]),
            )
        ]
        table.add_row(
            stage["stage"],
            "\n".join((*_volumes(stage["volumes"]), *_rates(stage["rates"]))) or DASH,
            _people(stage),
            _share(stage["rate_from_previous"]),
            "\n".join(_costs(stage["cost_per_unit"], is_one=is_one)) or DASH,
            *returns,
        )
    ratios = ", ".join(
        f"{_ratio(program[BCR.id][name])} {name.replace('_', ' ')}" for name in _ratios(layers)
    )
    last = f"cost {amounts(program['cost'], is_one=is_one)}, BCR {ratios}"
    title = (
        f"The program at each stage, {meta['from']} to {meta['to']}, model {meta['model']},"
        f" in {' and '.join(meta['currencies'])}"
    )
    moved = _moved(program["sensitivity"], _ratios(layers)[-1])
    return Group(Text(title, style="italic"), table, Text(last, style="bold"), *moved)


def _moved(sensitivity: Sequence[Mapping[str, Any]], ratio: str) -> list[Text]:
    """Return which inputs move the last ratio most; nothing where none does."""
    told = [
        f"{one['input'].replace('_', ' ')} {_ratio(one['lower'][ratio])}"
        f" to {_ratio(one['higher'][ratio])}"
        for one in sensitivity[:_MOVED_MAX]
    ]
    if not told or any("\n" in text for text in told):
        return []
    return [Text(f"BCR with 10 % less or more of one input: {', '.join(told)}")]


def rows_table(answer: Mapping[str, Any]) -> Group:
    """Return what each row brought for 1.00 of its cost: booked by stage, then layer upon layer."""
    names = _ratios(_layers(answer["program"]))
    table = Table(box=None, pad_edge=False)
    table.add_column(" · ".join(answer["meta"]["group_by"]), overflow="fold")
    for stage in answer["program"]["stages"]:
        table.add_column(stage["stage"], justify="right")
    for name in names:
        table.add_column("BCR" if name == _BOOKED else name.replace("_", " "), justify="right")
    for row in answer["rows"]:
        if is_headline(row, Headline.OVERHEAD):
            continue
        per_cost = [_ratio(stage["return_per_cost"][_BOOKED]) for stage in row["stages"]]
        table.add_row(row["label"], *per_cost, *(_ratio(row[BCR.id][name]) for name in names))
    title = "What came back for 1.00 of cost (booked)"
    return Group(Text(title, style="italic"), table)


_BOOKED: Final = Layer.BOOKED.value


def _layers(program: Mapping[str, Any]) -> list[Layer]:
    """Return the layers of which something is known; what is booked always is."""
    return [
        layer
        for layer in Layer
        if layer is Layer.BOOKED
        or any(_is_known(stage["return"][layer.value]) for stage in program["stages"])
    ]


def _ratios(layers: list[Layer]) -> list[str]:
    return [LAYERED_RATIOS[layer] for layer in layers]


def _is_known(money: Any) -> bool:
    if isinstance(money, list):
        return any(item["amount_minor"] is not None for item in money)
    return money is not None


def _known_money(money: Any, *, is_one: bool) -> str:
    """Return an amount; a dash where it is not known in any currency."""
    return amounts(money, is_one=is_one) if _is_known(money) else DASH


def _volumes(volumes: Mapping[str, float | None]) -> Iterator[str]:
    """Yield the volumes that are known and not zero."""
    for name, value in volumes.items():
        if value:
            yield f"{METRICS[name].name.lower()} {count(value)}"


def _rates(rates: Mapping[str, float | None]) -> Iterator[str]:
    """Yield the rates that are known."""
    for name, value in rates.items():
        if value is not None:
            yield f"{METRICS[name].name.lower()} {_share(value)}"


def _costs(costs: Mapping[str, Any], *, is_one: bool) -> Iterator[str]:
    for name, value in costs.items():
        shown = amounts(value, is_one=is_one)
        if value is not None and shown != DASH:
            yield f"{METRICS[name].name.lower()} {shown}"


def _people(stage: Mapping[str, Any]) -> str:
    """Return how many people were of a stage, and how long they took to the next one."""
    if stage["people"] is None:
        return DASH
    days = stage["median_days_to_next"]
    wait = "" if days is None else f"\nnext in {days:.1f} days"
    return f"{count(stage['people'])}{wait}"


def _share(value: float | None) -> str:
    return DASH if value is None else f"{value:.1%}"


def _ratio(value: Any) -> str:
    """Return a ratio, one line for each currency."""
    if isinstance(value, list):
        known = [f"{item['value']:.2f}" for item in value if item["value"] is not None]
        return "\n".join(known) or DASH
    return DASH if value is None else f"{value:.2f}"
