"""The parameters of `GET /v1/entries`: an answer's question, one metric, and one of its figures.

Promise: the page after a cursor is of the same moment and the same days as the first page.
What can go wrong: a 422 names the field that does not name one figure.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import Field, WithJsonSchema, create_model

from services.roi.answers.cost_views import CostView
from services.roi.answers.dictionary import DIMENSIONS, MEASURES, METRICS
from services.roi.answers.entries import TOTALS, Figure
from services.roi.answers.kinds import Dimension
from services.roi.answers.metrics.net_revenue import NET_REVENUE
from services.roi.answers.question import Question, RoiParameters, question_of
from services.roi.wire.fields import parse_day_or_time
from shared.api.shapes import (
    CURSOR_CHARACTERS_MAX,
    LIMIT_DEFAULT,
    LIMIT_MAX,
    WITHOUT_SOURCE,
    decode_cursor,
    encode_cursor,
    parse_moment,
)
from shared.http.problems import field_problem

# The metrics that are the sum of one measure of entries; others are made of several figures, and
# contribution has the margin of a day, which no entry has.
SUMMED: Final = tuple(
    metric.id
    for metric in METRICS.values()
    if metric.additive
    and len(metric.inputs) == 1
    and not MEASURES[metric.inputs[0]].weighted_by_margin
    and not MEASURES[metric.inputs[0]].made_of
)
DEFAULT_METRIC: Final = NET_REVENUE.id
# Parameters of answers that entries do not take: the only value, and what is said to others.
_OF_ANSWERS: Final[Mapping[str, tuple[str | None, str]]] = {
    "metrics": (None, "belongs to answers; send metric"),
    "compare": (None, "belongs to answers; send metric"),
    "order": (None, "belongs to answers; entries are newest first"),
    "currency": (None, "entries have their own; leave it out"),
    "cost_view": (CostView.INCURRED.value, "entries are opened for `incurred` alone"),
}
_SEQUENCE_END: Final = 2**63
_POSITION_END: Final = 2**31


@dataclass(frozen=True, slots=True)
class Before:
    """Where the page before ended: the moment, sequence and position of its last entry.

    Of costs it is the place of the cost among those of the span, and the place of the part.
    """

    at: datetime
    sequence: int
    position: int


class _Parameters(RoiParameters, use_attribute_docstrings=True):
    """The parameters that name one figure: those of `GET /v1/roi`, one metric, one row or part."""

    metric: Annotated[str, WithJsonSchema({"type": "string", "enum": list(SUMMED)})] = (
        DEFAULT_METRIC
    )
    """The metric whose figure is opened; only metrics that are a sum."""
    label: str | None = None
    """The label of the row, where several rows have the same `group`."""
    part: Literal["program", "brand", "organic", "overhead", "totals"] = TOTALS
    """The headline figure that is opened; with `group`, only the row's part of it."""

    def group_texts(self) -> dict[str, str]:
        """Return the values of the row as sent, by the id of their dimension."""
        texts = {name: getattr(self, f"group_{name}") for name in DIMENSIONS}
        return {name: text for name, text in texts.items() if text is not None}


def _group_field(dimension: Dimension) -> Any:
    described = (
        f"The row's value of `{dimension.id}` ({dimension.label}), as its `group` has it; an empty"
        " value is null."
    )
    return Annotated[
        str | None,
        Field(alias=f"group.{dimension.id}", description=described),
        WithJsonSchema({"type": "string"}),
    ]


if TYPE_CHECKING:
    FigureParameters = _Parameters
else:
    FigureParameters = create_model(
        "FigureParameters",
        __base__=_Parameters,
        __cls_kwargs__=WITHOUT_SOURCE,
        __doc__=_Parameters.__doc__,
        **{f"group_{one.id}": (_group_field(one), None) for one in DIMENSIONS.values()},
    )


class EntryParameters(FigureParameters, use_attribute_docstrings=True):
    """The parameters of `GET /v1/entries`: a figure and a page."""

    cursor: str | None = Field(default=None, max_length=CURSOR_CHARACTERS_MAX)
    """`next_cursor` of the page before; leave it out for the first page."""
    limit: int = Field(default=LIMIT_DEFAULT, ge=1, le=LIMIT_MAX)
    """The most entries that the page may hold."""


def figure_of(asked: FigureParameters) -> Figure:
    """Return the figure that is asked for; a 422 names a dimension that is not of the row."""
    texts = asked.group_texts()
    if not texts:
        if asked.label is not None:
            raise field_problem("label", "names a row: send its group, too")
        return Figure(None, None, asked.part)
    names = asked.group_by.split(",")
    for name in sorted(set(texts).symmetric_difference(names)):
        message = (
            "is no dimension of group_by" if name in texts else "is required beside the others"
        )
        raise field_problem(f"group.{name}", message)
    return Figure({name: texts[name] or None for name in names}, asked.label, asked.part)


def entry_question(asked: FigureParameters) -> Question:
    """Return the question of the figure: one metric, one model."""
    if asked.metric not in SUMMED:
        raise field_problem("metric", f"send one of {', '.join(SUMMED)}")
    for name, (value, message) in _OF_ANSWERS.items():
        if getattr(asked, name) != value:
            raise field_problem(name, message)
    question = question_of(asked)
    model = asked.group_texts().get("model")
    if model is not None:
        if model not in question.models:
            raise field_problem("group.model", "is no model of this answer")
        question = replace(question, models=(model,))
    if len(question.models) > 1:
        raise field_problem("model", "send one, because each model has its own totals")
    return replace(question, metrics=(METRICS[asked.metric],), each_account=True)


def continued(asked: EntryParameters) -> tuple[EntryParameters, Before | None]:
    """Return the parameters with the moment and days of the cursor, and where it ended."""
    if asked.cursor is None:
        return asked, None
    kinds = (str, str, str, str, int, int)
    as_of, from_, to, at, sequence, position = decode_cursor(asked.cursor, kinds)
    try:
        days = {
            "as_of": parse_moment(as_of),
            "from_": parse_day_or_time(from_),
            "to": parse_day_or_time(to),
        }
        before = Before(parse_moment(at), sequence, position)
    except ValueError:
        raise no_cursor() from None
    if not (0 <= sequence < _SEQUENCE_END and 0 <= position < _POSITION_END):
        raise no_cursor()
    return asked.model_copy(update=days), before


def cursor_of(
    as_of: datetime, period: tuple[date | datetime, date | datetime], last: Before
) -> str:
    """Return the cursor of the page after an entry."""
    return encode_cursor(
        as_of.isoformat(),
        period[0].isoformat(),
        period[1].isoformat(),
        last.at.isoformat(),
        last.sequence,
        last.position,
    )


def no_cursor() -> Exception:
    """Return the problem of a cursor that is none of this list."""
    return field_problem("cursor", "is not a cursor of this list; start again without one")
