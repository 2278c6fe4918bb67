"""The question of a funnel, and its answer as JSON."""

from dataclasses import replace
from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from services.roi.answers.answer_shapes import whole_meta
from services.roi.answers.answering import AnswerInput, asked_at, built, meta_of, read_asked
from services.roi.answers.funnel.funnel_shapes import funnel_body
from services.roi.answers.funnel.kpis import kpis_of, stages_with
from services.roi.answers.funnel.people import people_of
from services.roi.answers.funnel.stages import FUNNEL_METRICS
from services.roi.answers.question import Question, RoiParameters, question_of
from shared.http.problems import field_problem

# A funnel is of one model, and its stages are its columns.
NOT_ROWS: Final = ("model", "stage")
_encoder: Final = msgspec.json.Encoder()


def question_of_funnel(asked: RoiParameters) -> Question:
    """Return the question of a funnel; a 422 names what it does not take."""
    for name in ("metrics", "compare"):
        if getattr(asked, name) is not None:
            raise field_problem(name, "a funnel has its own figures, of one period")
    if asked.order is not None:
        raise field_problem("order", "a funnel has no intervals")
    question = question_of(asked)
    for dimension in question.dimensions:
        if dimension.id in NOT_ROWS:
            raise field_problem("group_by", f"a funnel has no rows by {dimension.id}")
    return replace(question, metrics=FUNNEL_METRICS, with_people=True)


async def read_funnel(
    conn: AsyncConnection,
    workspace_id: str,
    now: datetime,
    asked: RoiParameters,
    question: Question,
) -> AnswerInput:
    """Return what a funnel is computed from, with the KPI map of its last day."""
    at = await asked_at(conn, workspace_id, now, asked)
    kpis = await kpis_of(conn, at.context, at.span)
    metrics = {metric.id: metric for metric in question.metrics}
    for stage in stages_with(kpis):
        shown = (*stage.volumes, *stage.costs, *stage.rates)
        metrics |= {metric.id: metric for metric in shown}
    asking = replace(question, metrics=tuple(metrics.values()), kpis=kpis)
    return await read_asked(conn, at, asking)


def build_funnel(given: AnswerInput) -> bytes:
    """Return the JSON body of a funnel; raise `AnswerRefused`. It runs in a thread."""
    made = built(given)
    (model,) = made.layout.models
    meta = whole_meta(made.answer, meta_of(given, made), given.question.metrics, model)
    people = people_of(made.layout, made.found.filtered(given.question.filters))
    stages = stages_with(given.question.kpis)
    return _encoder.encode(funnel_body(made.answer, meta, people, stages))
