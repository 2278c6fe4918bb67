"""The figures of each stage of the customer journey, taken from the metric dictionary. Pure.

A metric says its stage in its own file: a count is a volume of the stage, money is what one unit of
it costs. So a new metric of a stage is in the funnel without a change here.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, get_args

from services.roi.answers.dictionary import METRICS
from services.roi.answers.kinds import Metric
from services.roi.answers.metrics.contribution_by_stage import contribution_at
from services.roi.answers.values import Unit
from shared.events import Stage

STAGES: Final[tuple[Stage, ...]] = get_args(Stage)
_VOLUMES: Final = (Unit.COUNT, Unit.CONVERSIONS)


@dataclass(frozen=True, slots=True)
class StageMetrics:
    """The metrics of one stage.

    `leading` are those volumes that rates from stage to stage may be taken of, the preferred first.
    `booked` is the contribution of the conversions of this stage.
    """

    stage: Stage
    volumes: tuple[Metric, ...]
    leading: tuple[Metric, ...]
    costs: tuple[Metric, ...]
    booked: Metric


def _of_stage(stage: Stage, metrics: Iterable[Metric]) -> StageMetrics:
    mine = [metric for metric in metrics if metric.stage == stage]
    volumes = tuple(metric for metric in mine if metric.unit in _VOLUMES)
    return StageMetrics(
        stage=stage,
        volumes=volumes,
        leading=tuple(
            sorted(
                (metric for metric in volumes if metric.leads_stage is not None),
                key=lambda metric: (metric.leads_stage, metric.id),
            )
        ),
        costs=tuple(metric for metric in mine if metric.unit is Unit.MONEY),
        booked=METRICS[contribution_at(stage)],
    )


FUNNEL: Final = tuple(_of_stage(stage, METRICS.values()) for stage in STAGES)
# Every metric that a funnel asks for.
FUNNEL_METRICS: Final = (
    METRICS["cost"],
    *(metric for stage in FUNNEL for metric in (*stage.volumes, *stage.costs, stage.booked)),
)
