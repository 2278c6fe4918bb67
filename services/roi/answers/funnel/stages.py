"""The figures of each stage of the customer journey, taken from the metric dictionary. Pure.

A metric says its stage in its own file: a count is a volume of the stage, money is what one unit of
it costs, or with a layer what came back at the stage. So a new metric of a stage is in the funnel
without a change here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, get_args

from services.roi.answers.dictionary import METRICS
from services.roi.answers.kinds import Layer, Metric
from services.roi.answers.metrics.conversions import CONVERSIONS
from services.roi.answers.metrics.cost_by_kind import COSTS_BY_KIND
from services.roi.answers.values import Unit
from shared.events import Stage

STAGES: Final[tuple[Stage, ...]] = get_args(Stage)
_VOLUME_UNITS: Final = (Unit.COUNT, Unit.CONVERSIONS)
# What a stage can show, by its kind: counts, what one unit of them costs, and rates of counts. All
# other money, and what is made of it, is a figure of the whole row.
VOLUMES: Final = tuple(metric for metric in METRICS.values() if metric.unit in _VOLUME_UNITS)
COST_METRICS: Final = tuple(
    metric
    for metric in METRICS.values()
    if metric.unit is Unit.MONEY and metric.inputs[0] == "cost" and not metric.additive
)
RATES: Final = tuple(
    metric for metric in METRICS.values() if metric.unit is Unit.RATIO and not metric.per_currency
)


@dataclass(frozen=True, slots=True)
class StageMetrics:
    """The metrics of one stage.

    `leading` are those volumes that rates from stage to stage may be taken of, the preferred first.
    `rates` are of counts of one stage or several. `returns` are what came back at this stage, for
    each layer that can know it.
    """

    stage: Stage
    volumes: tuple[Metric, ...]
    leading: tuple[Metric, ...]
    costs: tuple[Metric, ...]
    rates: tuple[Metric, ...]
    returns: Mapping[Layer, Metric]


def _of_stage(stage: Stage, metrics: Iterable[Metric]) -> StageMetrics:
    mine = [metric for metric in metrics if metric.stage == stage]
    volumes = tuple(metric for metric in mine if metric in VOLUMES)
    return StageMetrics(
        stage=stage,
        volumes=volumes,
        leading=tuple(
            sorted(
                (metric for metric in volumes if metric.leads_stage is not None),
                key=lambda metric: (metric.leads_stage, metric.id),
            )
        ),
        costs=tuple(metric for metric in mine if metric in COST_METRICS),
        rates=tuple(metric for metric in mine if metric in RATES),
        returns={metric.layer: metric for metric in mine if metric.layer is not None},
    )


FUNNEL: Final = tuple(_of_stage(stage, METRICS.values()) for stage in STAGES)
# What came back at all stages together, in each layer that is known.
WHOLES: Final[Mapping[Layer, Metric]] = {
    metric.layer: metric
    for metric in METRICS.values()
    if metric.layer is not None and metric.stage is None
}
# Every metric that a funnel asks for.
FUNNEL_METRICS: Final = (
    METRICS["cost"],
    CONVERSIONS,
    *WHOLES.values(),
    *COSTS_BY_KIND.values(),
    *(
        metric
        for stage in FUNNEL
        for metric in (*stage.volumes, *stage.costs, *stage.rates, *stage.returns.values())
    ),
)
