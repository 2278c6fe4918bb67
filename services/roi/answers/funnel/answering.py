"""The question of a funnel, and its answer as JSON."""

from dataclasses import replace
from typing import Final

import msgspec

from services.roi.answers.answer_shapes import whole_meta
from services.roi.answers.answering import AnswerInput, built, meta_of
from services.roi.answers.funnel.funnel_shapes import funnel_body
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


def build_funnel(given: AnswerInput) -> bytes:
    """Return the JSON body of a funnel; raise `AnswerRefused`. It runs in a thread."""
    made = built(given)
    (model,) = made.layout.models
    meta = whole_meta(made.answer, meta_of(given, made), given.question.metrics, model)
    people = people_of(made.layout, made.found.filtered(given.question.filters))
    return _encoder.encode(funnel_body(made.answer, meta, people))
