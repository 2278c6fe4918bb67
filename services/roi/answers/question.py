"""The parameters of `GET /v1/roi`, and the question made from them: dimensions, models, span.

Promise: the allowed words come from the registries. A wrong word gives a 422 that names the field
and lists the allowed ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, WithJsonSchema

from services.roi.answers.cost_views import CostView
from services.roi.answers.dictionary import DIMENSIONS, METRICS_IN_ORDER, measures_of
from services.roi.answers.kinds import Dimension, Metric
from services.roi.answers.plan import Wanted
from services.roi.answers.span import Asked
from services.roi.wire.fields import QUARTER, DayOrTime, quarter_of
from shared.api.shapes import Currency, Moment, StrictModel
from shared.http.problems import field_problem
from shared.models import CREDIT_MODELS, DEFAULT_MODELS, ModelName, is_additive

BASES: Final = ("conversion_time", "touch_time")
DIMENSIONS_MAX: Final = 2
# The models listed when none is named. A model that does not add up must be named.
MODELS: Final = tuple(name for name in CREDIT_MODELS if is_additive(name))
DEFAULT_MODEL: Final = "last"
DEFAULT_GROUP_BY: Final = "creator"
DEFAULT_SPAN_DAYS: Final = 30
# Ten years with up to 3 leap days. A span is a list of days, so it needs a limit.
SPAN_DAYS_MAX: Final = 3_653

_ONE_OF: Final = "|".join(DIMENSIONS)
_GROUP_PATTERN: Final = f"^({_ONE_OF})(,({_ONE_OF}))?$"
_GROUP_SENTENCE: Final = (
    "One or two dimensions, joined by a comma: "
    + ", ".join(f"`{dimension.id}` ({dimension.label})" for dimension in DIMENSIONS.values())
    + "."
)


def _check_group_by(value: str) -> str:
    names = value.split(",")
    allowed = f"one or two of {', '.join(DIMENSIONS)}, joined by a comma"
    if not set(names) <= set(DIMENSIONS) or len(names) > DIMENSIONS_MAX:
        raise ValueError(f"send {allowed}")
    if len(set(names)) != len(names):
        raise ValueError(f"names one dimension twice; send {allowed}")
    return value


class RoiParameters(StrictModel):
    """The parameters of `GET /v1/roi`; by default the last 30 days.

    Dates are local days of the workspace, both included. Times are half-open and lie on whole
    quarters of an hour.
    """

    group_by: Annotated[
        str,
        AfterValidator(_check_group_by),
        WithJsonSchema({"type": "string", "pattern": _GROUP_PATTERN}),
        Field(description=_GROUP_SENTENCE),
    ] = DEFAULT_GROUP_BY
    """One or two dimensions."""
    from_: Annotated[DayOrTime | None, Field(alias="from")] = None
    """The first local day, or the first moment; 30 days before the end when left out."""
    to: DayOrTime | None = None
    """The last local day (included), or the end as a moment (excluded); today when left out."""
    model: ModelName | None = None
    """The credit model; when left out `last`, or all models when grouped by model."""
    by: Literal["conversion_time", "touch_time"] = "conversion_time"
    """The time that dates a credit: the conversion's or the touch's."""
    as_of: Moment | None = None
    """Answer as it was known at this moment; now when left out."""
    currency: Currency | None = None
    """Answer in this currency; each amount in its own when left out."""
    cost_view: Literal["incurred", "accrual", "cash"] = "incurred"
    """The day of a cost: the one on which it was spent (`incurred`), all days that it serves
    (`accrual`), or the one on which it was paid (`cash`, without what is not paid yet)."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question without its span, which needs the workspace's days.

    `models`: those that are asked for; `lists_models`: whether they are listed side by side.
    """

    dimensions: tuple[Dimension, ...]
    metrics: tuple[Metric, ...]
    models: tuple[str, ...]
    by: str
    currency: str | None
    cost_view: CostView = CostView.INCURRED

    @property
    def lists_models(self) -> bool:
        """Return whether headlines and totals are lists with one item for each model."""
        return any(dimension.id == "model" for dimension in self.dimensions)

    @property
    def wanted(self) -> Wanted:
        """Return the measures and dimensions of this question."""
        return Wanted(measures_of(self.metrics), self.dimensions, self.by, self.cost_view)

    def models_shown(self, found: set[str]) -> tuple[str, ...]:
        """Return the asked models that have credits.

        When none has, return those that a policy has by default, else all asked models.
        """
        by_default = tuple(model for model in self.models if model in DEFAULT_MODELS)
        credited = tuple(model for model in self.models if model in found)
        return credited or by_default or self.models


def question_of(asked: RoiParameters) -> Question:
    """Return the question that the parameters ask."""
    dimensions = tuple(DIMENSIONS[name] for name in asked.group_by.split(","))
    return Question(
        dimensions=dimensions,
        metrics=METRICS_IN_ORDER,
        models=_models(asked.model, dimensions),
        by=asked.by,
        currency=asked.currency,
        cost_view=CostView(asked.cost_view),
    )


def _models(model: str | None, dimensions: Sequence[Dimension]) -> tuple[str, ...]:
    """Return the named model, else `last`, or all models when grouped by model."""
    if model is not None:
        return (model,)
    is_dimension = any(dimension.id == "model" for dimension in dimensions)
    return MODELS if is_dimension else (DEFAULT_MODEL,)


def span_asked(asked: RoiParameters, today: date, now: datetime) -> Asked:
    """Return the days or times asked for; a 422 names `from` when they are not a span.

    The default end is today, or the end of this quarter of an hour; the default length is 30 days.
    """
    is_times = {isinstance(end, datetime) for end in (asked.from_, asked.to) if end is not None}
    if len(is_times) > 1:
        message = "must be a date where to is one, and a time where to is one"
        raise field_problem("from", message)
    if True in is_times:
        return _times(asked, now)
    to_on = asked.to or max(today, asked.from_ or today)
    from_on = asked.from_ or to_on - timedelta(days=DEFAULT_SPAN_DAYS - 1)
    if from_on > to_on:
        raise field_problem("from", "is after to")
    if (to_on - from_on).days >= SPAN_DAYS_MAX:
        raise field_problem("from", f"is more than {SPAN_DAYS_MAX} days before to")
    return from_on, to_on


def _times(asked: RoiParameters, now: datetime) -> tuple[datetime, datetime]:
    to = asked.to or quarter_of(now) + QUARTER
    assert isinstance(to, datetime)
    from_ = asked.from_ or to - timedelta(days=DEFAULT_SPAN_DAYS)
    assert isinstance(from_, datetime)
    if from_ >= to:
        raise field_problem("from", "is not before to")
    if to - from_ > timedelta(days=SPAN_DAYS_MAX):
        raise field_problem("from", f"is more than {SPAN_DAYS_MAX} days before to")
    return from_, to
