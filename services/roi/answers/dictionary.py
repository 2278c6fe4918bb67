"""All measures, dimensions and metrics, checked against each other when this file is imported.

What can go wrong: a metric that names a measure which does not exist, is additive while its
measures are not, or has the interval of another metric raises `RegistryError`.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from services.roi.answers.dimensions import DIMENSIONS
from services.roi.answers.kinds import Measure, Metric
from services.roi.answers.measures import MEASURES
from services.roi.answers.metrics import METRICS
from services.roi.answers.registry import RegistryError

__all__ = [
    "DEFAULT_METRICS",
    "DIMENSIONS",
    "MEASURES",
    "METRICS",
    "METRICS_IN_ORDER",
    "measures_of",
]


def measures_of(
    metrics: Iterable[Metric],
    measures: Mapping[str, Measure] = MEASURES,
    *,
    with_intervals: bool = False,
) -> tuple[Measure, ...]:
    """Return the measures of these metrics and of their warnings, each once, by their ids.

    A measure comes with all that it is made of, and with all that those are made of; so it has one
    value, whatever else is asked for. A measure that divides another one comes with that one and
    with all that divide it.
    `with_intervals`: those of the metrics' intervals, too.
    """
    metrics = tuple(metrics)
    wanted = {name for metric in metrics for name in metric.inputs}
    while parts := {part for name in wanted for part in measures[name].made_of} - wanted:
        wanted |= parts
    intervals = [metric.interval for metric in metrics if metric.interval is not None]
    if with_intervals:
        wanted |= {name for interval in intervals for name in interval.inputs}
        wanted |= {one.orders for one in intervals if one.orders is not None}
    wanted |= {warning for name in wanted if (warning := measures[name].warned_by) is not None}
    wholes = {measures[name].part_of for name in wanted} - {None}
    wanted |= {one.id for one in measures.values() if one.part_of in wholes or one.id in wholes}
    return tuple(measures[name] for name in sorted(wanted))


def check_metrics(metrics: Iterable[Metric], measures: Mapping[str, Measure]) -> None:
    """Raise `RegistryError` when a metric names a wrong measure or is wrongly additive."""
    for metric in metrics:
        interval = metric.interval
        needed = {*metric.inputs, *(interval.inputs if interval is not None else ())}
        unknown = sorted(needed - set(measures))
        if unknown:
            raise RegistryError(f"metric {metric.id!r} needs the measure {unknown[0]!r}")
        if metric.additive and not all(measures[name].additive for name in metric.inputs):
            raise RegistryError(f"metric {metric.id!r} is additive, its measures are not")
        if interval is not None and interval.inputs[0] not in metric.inputs:
            raise RegistryError(f"metric {metric.id!r} is not made of what its interval moves")


check_metrics(METRICS.values(), MEASURES)

# As an answer lists them: first what adds up, then the ratios.
METRICS_IN_ORDER: Final = tuple(
    sorted(METRICS.values(), key=lambda metric: (not metric.additive, metric.id))
)
DEFAULT_METRICS: Final = tuple(metric for metric in METRICS_IN_ORDER if metric.by_default)
