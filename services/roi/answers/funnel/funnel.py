"""The funnel of one row: what each stage of the journey brought, and what it cost. Pure.

Promise: for each layer the stages' returns per unit of cost add up to that layer's part of the
benefit-cost ratio, exactly, in six decimals. A layer moves no figure of another one, but the ratios
that say that they hold it. Nothing is known of what is None, which is never 0. A volume that nobody
reported is None.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from services.roi.answers.assemble import Figures, Values
from services.roi.answers.funnel.stages import FUNNEL, WHOLES, StageMetrics
from services.roi.answers.kinds import Layer, Metric
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
    `returns` is money by layer, `per_cost` the same for each unit of the row's cost.
    """

    stage: Stage
    volumes: dict[str, Value]
    rate: Value
    rate_of: tuple[str, str] | None
    costs: dict[str, Values]
    rates: dict[str, Value]
    returns: Mapping[Layer, Values]
    per_cost: Mapping[Layer, Values]


@dataclass(frozen=True, slots=True)
class Funnel:
    """The six stages of one row, in their order.

    `bcr` is benefit over cost, layer upon layer: each holds those before it. A modelled benefit
    that is not known is left out of the assumed one; an own one that is not known makes it None.
    """

    stages: tuple[StageFigures, ...]
    bcr: Mapping[Layer, Values]
    cost: Values
    gaps: tuple[str, ...]


_NO_RATE: Final = (None, None)


def funnel_of(
    figures: Figures, stages: Sequence[StageMetrics] = FUNNEL, *, has_ratios: bool = True
) -> Funnel:
    """Return the funnel of a row's figures.

    `stages` are those of the funnel, with more metrics where the brand shows more.
    `has_ratios` False leaves out what is taken of cost: organic revenue is no return on a cost.
    """
    cost = _values(figures, "cost")
    layers = {layer: _layer(figures, layer, cost, has_ratios=has_ratios) for layer in Layer}
    shown = tuple(
        _stage(
            figures,
            stages,
            place,
            {layer: parts[place] for layer, (_, parts) in layers.items()},
            has_ratios=has_ratios,
        )
        for place in range(len(stages))
    )
    return Funnel(
        stages=shown,
        bcr=_layer_upon_layer({layer: whole for layer, (whole, _) in layers.items()}),
        cost=cost,
        gaps=tuple(
            gap
            for stage, own in zip(shown, FUNNEL, strict=True)
            if (gap := _gap(stage, [metric.id for metric in own.volumes])) is not None
        ),
    )


def _stage(
    figures: Figures,
    stages: Sequence[StageMetrics],
    place: int,
    per_cost: Mapping[Layer, Values],
    *,
    has_ratios: bool,
) -> StageFigures:
    own = stages[place]
    rate, rate_of = _NO_RATE if place == 0 else _rate(figures, stages[place - 1], own)
    costs = {metric.id: _values(figures, metric.id) for metric in own.costs}
    return StageFigures(
        stage=own.stage,
        volumes={metric.id: _value(figures, metric.id) for metric in own.volumes},
        rate=rate,
        rate_of=rate_of,
        costs=costs if has_ratios else {name: _missing(each) for name, each in costs.items()},
        rates={
            metric.id: _value(figures, metric.id) if has_ratios else None for metric in own.rates
        },
        returns={layer: _return(figures, own, layer) for layer in Layer},
        per_cost=per_cost,
    )


def _return(figures: Figures, stage: StageMetrics, layer: Layer) -> Values:
    """Return what came back at a stage in a layer; None where the layer cannot know it."""
    metric = stage.returns.get(layer)
    return _missing(_values(figures, "cost")) if metric is None else _values(figures, metric.id)


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


def _layer(
    figures: Figures, layer: Layer, cost: Values, *, has_ratios: bool
) -> tuple[Values, list[Values]]:
    """Return a layer's benefit per unit of cost, and each stage's part of it."""
    returns = [_return(figures, stage, layer) for stage in FUNNEL]
    missing = _missing(cost)
    if not has_ratios or layer not in WHOLES:
        return missing, [missing for _ in FUNNEL]
    whole = _values(figures, WHOLES[layer].id)
    bcr: list[tuple[str, Value]] = []
    parts: list[list[tuple[str, Value]]] = [[] for _ in FUNNEL]
    for number, (currency, amount) in enumerate(cost):
        amounts = [each[number][1] for each in returns]
        if whole[number][1] is None:
            amounts = [None for _ in amounts]
        shares = _shares(amounts, amount)
        known = [share for share in shares if share is not None]
        bcr.append((currency, Ratio(sum(known), RATIO_STEPS) if known else None))
        for part, share in zip(parts, shares, strict=True):
            part.append((currency, None if share is None else Ratio(share, RATIO_STEPS)))
    return tuple(bcr), [tuple(part) for part in parts]


def _shares(amounts: Sequence[Value], cost: Value) -> list[int | None]:
    """Return amounts over cost in millionths that add up to their rounded sum; None is unknown."""
    if not isinstance(cost, int) or not cost:
        return [None for _ in amounts]
    # Signed like the cost, so that the denominator is above zero.
    sign = 1 if cost > 0 else -1
    steps = [sign * each * RATIO_STEPS for each in amounts if isinstance(each, int)]
    rounded_steps = iter(round_to_sum(steps, abs(cost), Ratio(sum(steps), abs(cost)).times(1)))
    return [next(rounded_steps) if isinstance(each, int) else None for each in amounts]


def _layer_upon_layer(wholes: Mapping[Layer, Values]) -> dict[Layer, Values]:
    """Return each layer's benefit per unit of cost together with that of the layers before it."""
    booked, modelled, assumed = (wholes[layer] for layer in Layer)
    with_modelled = _added(booked, modelled)
    before = tuple(
        here if here[1] is not None else below
        for here, below in zip(with_modelled, booked, strict=True)
    )
    return {
        Layer.BOOKED: booked,
        Layer.MODELLED: with_modelled,
        Layer.ASSUMED: _added(before, assumed),
    }


def _added(one: Values, other: Values) -> Values:
    """Return the sum in each currency; None where a part is unknown."""
    return tuple(
        (
            currency,
            Ratio(value.numerator + more.numerator, RATIO_STEPS)
            if isinstance(value, Ratio) and isinstance(more, Ratio)
            else None,
        )
        for (currency, value), (_, more) in zip(one, other, strict=True)
    )


def _gap(stage: StageFigures, own: Sequence[str]) -> str | None:
    """Return what is missing of a stage that brought nothing of its own volumes, as a sentence."""
    volumes = [stage.volumes[name] for name in own]
    if any(value is not None and _quotient(value).numerator for value in volumes):
        return None
    if any(value for each in stage.returns.values() for _, value in each):
        return None
    if volumes and all(value is None for value in volumes):
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
