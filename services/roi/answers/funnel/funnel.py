"""The funnel of one row: what each stage of the journey brought, and what it cost. Pure.

Promise: for each layer the stages' returns per unit of cost add up to that layer's part of the
benefit-cost ratio, exactly, in six decimals. The layers are booked (contribution of the ledger),
modelled and assumed; nothing is known of a layer that is None, which is never 0. A volume that
nobody reported is None.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from services.roi.answers.assemble import Figures, Values
from services.roi.answers.funnel.stages import FUNNEL, StageMetrics
from services.roi.answers.kinds import Metric
from services.roi.answers.values import (
    RATIO_STEPS,
    Ratio,
    Unit,
    Value,
    divide,
    round_to_sum,
    rounded,
)
from shared.events import Stage


@dataclass(frozen=True, slots=True)
class StageFigures:
    """The figures of one stage.

    `rate` is the leading volume of this stage over that of the stage before; `rate_of` names both.
    `booked` is money, `booked_per_cost` the same for each unit of the row's cost.
    """

    stage: Stage
    volumes: dict[str, Value]
    rate: Value
    rate_of: tuple[str, str] | None
    costs: dict[str, Values]
    booked: Values
    booked_per_cost: Values


@dataclass(frozen=True, slots=True)
class Funnel:
    """The six stages of one row, in their order. `bcr` is booked benefit over cost."""

    stages: tuple[StageFigures, ...]
    bcr: Values
    cost: Values
    gaps: tuple[str, ...]


_NO_RATE: Final = (None, None)


def funnel_of(figures: Figures, *, has_ratios: bool = True) -> Funnel:
    """Return the funnel of a row's figures.

    `has_ratios` False leaves out what is taken of cost: organic revenue is no return on a cost.
    """
    bcr, per_cost = _per_cost(figures)
    stages = tuple(
        _stage(figures, place, booked if has_ratios else _missing(booked), has_ratios=has_ratios)
        for place, booked in enumerate(per_cost)
    )
    return Funnel(
        stages=stages,
        bcr=bcr if has_ratios else _missing(bcr),
        cost=_values(figures, "cost"),
        gaps=tuple(gap for stage in stages if (gap := _gap(stage)) is not None),
    )


def _stage(figures: Figures, place: int, per_cost: Values, *, has_ratios: bool) -> StageFigures:
    own = FUNNEL[place]
    rate, rate_of = _NO_RATE if place == 0 else _rate(figures, FUNNEL[place - 1], own)
    costs = {metric.id: _values(figures, metric.id) for metric in own.costs}
    return StageFigures(
        stage=own.stage,
        volumes={metric.id: _value(figures, metric.id) for metric in own.volumes},
        rate=rate,
        rate_of=rate_of,
        costs=costs if has_ratios else {name: _missing(each) for name, each in costs.items()},
        booked=_values(figures, own.booked.id),
        booked_per_cost=per_cost,
    )


def _rate(
    figures: Figures, before: StageMetrics, here: StageMetrics
) -> tuple[Value, tuple[str, str] | None]:
    """Return the rate from the stage before, and the ids of the two volumes."""
    upper, lower = _leading(figures, before.leading), _leading(figures, here.leading)
    if upper is None or lower is None:
        return _NO_RATE
    over, under = _quotient(_value(figures, lower.id)), _quotient(_value(figures, upper.id))
    value = divide(over.numerator * under.denominator, over.denominator * under.numerator)
    return rounded(Unit.RATIO, value), (lower.id, upper.id)


def _leading(figures: Figures, metrics: Sequence[Metric]) -> Metric | None:
    """Return the first of these volumes that is known."""
    return next((metric for metric in metrics if _value(figures, metric.id) is not None), None)


def _quotient(value: Value) -> Ratio:
    assert value is not None, "only known volumes lead a stage"
    return Ratio(value, 1) if isinstance(value, int) else value


def _per_cost(figures: Figures) -> tuple[Values, list[Values]]:
    """Return booked benefit per unit of cost, and each stage's part of it."""
    booked = [_values(figures, stage.booked.id) for stage in FUNNEL]
    bcr: list[tuple[str, Value]] = []
    parts: list[list[tuple[str, Value]]] = [[] for _ in FUNNEL]
    for number, (currency, cost) in enumerate(_values(figures, "cost")):
        shares = _shares([each[number][1] for each in booked], cost)
        bcr.append((currency, Ratio(sum(shares), RATIO_STEPS) if shares else None))
        for place, part in enumerate(parts):
            part.append((currency, Ratio(shares[place], RATIO_STEPS) if shares else None))
    return tuple(bcr), [tuple(part) for part in parts]


def _shares(amounts: Sequence[Value], cost: Value) -> list[int]:
    """Return amounts over cost in millionths that add up to their rounded sum; [] when unknown."""
    known = [amount for amount in amounts if isinstance(amount, int)]
    if not isinstance(cost, int) or not cost or len(known) < len(amounts):
        return []
    # Signed like the cost, so that the denominator is above zero.
    sign = 1 if cost > 0 else -1
    steps = [sign * amount * RATIO_STEPS for amount in known]
    return round_to_sum(steps, abs(cost), Ratio(sum(steps), abs(cost)).times(1))


def _gap(stage: StageFigures) -> str | None:
    """Return what is missing of a stage that brought nothing, as a sentence."""
    if any(value is not None and _quotient(value).numerator for value in stage.volumes.values()):
        return None
    if any(value for _, value in stage.booked):
        return None
    if stage.volumes and all(value is None for value in stage.volumes.values()):
        return f"nobody reported {stage.stage}"
    return f"no content serves {stage.stage}"


def _value(figures: Figures, name: str) -> Value:
    found = figures[name]
    assert not isinstance(found, tuple), f"{name} is no money"
    return found


def _values(figures: Figures, name: str) -> Values:
    found = figures[name]
    assert isinstance(found, tuple), f"{name} has a value for each currency"
    return found


def _missing(values: Values) -> Values:
    return tuple((currency, None) for currency, _ in values)
