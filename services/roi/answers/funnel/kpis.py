"""The KPI map of a policy: which metrics of the dictionary stand beside a stage's own ones.

A count is a volume, money that is taken of cost is a unit cost, a number without unit is a rate.
Promise: a map moves no figure; it shows more. A metric that a stage has already is shown once.
What can go wrong: a 422 names the stage with a metric that is unknown, or cannot stand in a funnel.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from services.roi.answers import catalog_sql
from services.roi.answers.context import AnswerContext
from services.roi.answers.dictionary import METRICS
from services.roi.answers.fact_reading import common_arguments
from services.roi.answers.funnel.stages import COST_METRICS, FUNNEL, RATES, VOLUMES, StageMetrics
from services.roi.answers.kinds import Metric
from services.roi.answers.span import Span
from shared.db.engine import driver
from shared.http.problems import field_problem

KpiMap = Mapping[str, Sequence[str]]
_SHOWN: Final = {metric.id for metric in (*VOLUMES, *COST_METRICS, *RATES)}


def check_kpis(kpis: KpiMap) -> None:
    """Raise a 422 that names the stage and the metric that a funnel cannot show."""
    for stage, names in kpis.items():
        for name in names:
            if name not in METRICS:
                message = f"has no metric {name!r}; `GET /v1/metrics` lists them"
                raise field_problem(f"kpis.{stage}", message)
            if name not in _SHOWN:
                message = (
                    f"cannot have {name}: a funnel shows counts, what a unit of them costs, and"
                    " rates; all other money is a figure of the whole row"
                )
                raise field_problem(f"kpis.{stage}", message)


async def kpis_of(conn: AsyncConnection, at: AnswerContext, span: Span) -> KpiMap:
    """Return the KPI map of the policy of the span's last day, as recorded at the moment."""
    statement = catalog_sql.kpis()
    given = statement.arguments(**common_arguments(at), to_on=span.to_on)
    found = await (await driver(conn)).fetchval(statement.text, *given)
    return msgspec.json.decode(found, type=dict[str, list[str]]) if found else {}


def stages_with(kpis: KpiMap) -> tuple[StageMetrics, ...]:
    """Return the stages of the funnel with the metrics of a KPI map.

    A metric that was stored and is no longer known is left out.
    """
    return tuple(_with(stage, kpis.get(stage.stage, ())) for stage in FUNNEL)


def _with(stage: StageMetrics, names: Sequence[str]) -> StageMetrics:
    return replace(
        stage,
        volumes=_added(stage.volumes, VOLUMES, names),
        costs=_added(stage.costs, COST_METRICS, names),
        rates=_added(stage.rates, RATES, names),
    )


def _added(
    own: Sequence[Metric], among: Sequence[Metric], names: Sequence[str]
) -> tuple[Metric, ...]:
    return (*own, *(one for one in among if one.id in names and one not in own))
