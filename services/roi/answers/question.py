"""The parameters of `GET /v1/roi`, and the question made from them: dimensions, models, filters.

Promise: the allowed words come from the registries. A wrong word gives a 422 that names the field
and lists the allowed ones.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field, PlainValidator, WithJsonSchema, create_model

from services.roi.answers.cost_views import CostView
from services.roi.answers.dictionary import (
    DEFAULT_METRICS,
    DIMENSIONS,
    METRICS,
    METRICS_IN_ORDER,
    measures_of,
)
from services.roi.answers.filters import Filter, WrongFilter, read_filter
from services.roi.answers.kinds import Dimension, Metric
from services.roi.answers.metrics.roi import ROI
from services.roi.answers.plan import Wanted
from services.roi.wire.fields import DayOrTime, parse_day_or_time
from shared.api.shapes import WITHOUT_SOURCE, Currency, Moment, StrictModel
from shared.http.problems import field_problem
from shared.models import CREDIT_MODELS, DEFAULT_MODELS, ModelName, is_additive

BASES: Final = ("conversion_time", "touch_time")
DIMENSIONS_MAX: Final = 2
# The models listed when none is named. A model that does not add up must be named.
MODELS: Final = tuple(name for name in CREDIT_MODELS if is_additive(name))
DEFAULT_MODEL: Final = "last"
DEFAULT_GROUP_BY: Final = "creator"
# The metrics by the lower end of whose interval rows may be ranked.
RANKING: Final = tuple(
    metric.id
    for metric in METRICS_IN_ORDER
    if metric.interval is not None and metric.interval.more_is_better
)
# `from=all`: since the first event.
ALL: Final = "all"

_ONE_OF: Final = "|".join(DIMENSIONS)
_GROUP_PATTERN: Final = f"^({_ONE_OF})(,({_ONE_OF}))?$"
_ONE_METRIC: Final = "|".join(METRICS)
_METRICS_PATTERN: Final = f"^({_ONE_METRIC})(,({_ONE_METRIC}))*$"
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


def _check_metrics(value: str | None) -> str | None:
    if value is None:
        return None
    names = value.split(",")
    unknown = [name for name in names if name not in METRICS]
    if unknown:
        raise ValueError(f"has no metric {unknown[0]!r}; `GET /v1/metrics` lists them")
    if len(set(names)) != len(names):
        raise ValueError("names one metric twice")
    return value


def _parse_from(value: object) -> object:
    return value if value == ALL else parse_day_or_time(value)


FromDayOrTime = Annotated[
    DayOrTime | Literal["all"],
    PlainValidator(_parse_from),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "format": "date"},
                {"type": "string", "format": "date-time"},
                {"type": "string", "const": ALL},
            ]
        }
    ),
]


class _Parameters(StrictModel):
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
    metrics: Annotated[
        str | None,
        AfterValidator(_check_metrics),
        WithJsonSchema({"type": "string", "pattern": _METRICS_PATTERN}),
    ] = None
    """The metrics to answer with, joined by commas; when left out all but those of the funnel."""
    from_: Annotated[FromDayOrTime | None, Field(alias="from")] = None
    """The first local day, or the first moment, or `all`: since the first event; 30 days before the
    end when left out."""
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
    compare: Literal["previous", "year"] | None = None
    """Also answer for another period of the same length, shifted by whole weeks so that weekdays
    match: the one just before (`previous`), or 52 weeks before (`year`)."""

    order: Literal["lower_bound"] | None = None
    """Rows by the lower end of an interval, the greatest first and those without one last: that of
    the first of `metrics` that has one of which more is better, else of `roi`. When left out, rows
    are in their natural order, then by what they earned."""

    def filter_texts(self) -> dict[str, str]:
        """Return the filters as sent, by the id of their dimension."""
        texts = {name: getattr(self, f"filter_{name}") for name in DIMENSIONS}
        return {name: text for name, text in texts.items() if text is not None}


def _filter_field(dimension: Dimension) -> Any:
    described = (
        f"Only figures of these values of `{dimension.id}` ({dimension.label}): `a,b` one of them,"
        " `-a,-b` none of them; an empty value is none at all. A backslash makes the next character"
        " a plain one."
    )
    return Annotated[
        str | None,
        Field(alias=f"filter.{dimension.id}", description=described),
        WithJsonSchema({"type": "string"}),
    ]


if TYPE_CHECKING:
    RoiParameters = _Parameters
else:
    RoiParameters = create_model(
        "RoiParameters",
        __base__=_Parameters,
        __cls_kwargs__=WITHOUT_SOURCE,
        __doc__=_Parameters.__doc__,
        **{f"filter_{one.id}": (_filter_field(one), None) for one in DIMENSIONS.values()},
    )


@dataclass(frozen=True, slots=True)
class Question:
    """A question without its span, which needs the workspace's days.

    `models`: those that are asked for; `lists_models`: whether they are listed side by side.
    `ranked_by`: the metric by whose interval's lower end rows are sorted. `kpis`: metrics that the
    stages of a funnel show besides their own.
    """

    dimensions: tuple[Dimension, ...]
    metrics: tuple[Metric, ...]
    models: tuple[str, ...]
    by: str
    currency: str | None
    filters: tuple[Filter, ...] = ()
    compare: str | None = None
    each_account: bool = False
    cost_view: CostView = CostView.INCURRED
    with_people: bool = False
    with_intervals: bool = False
    ranked_by: str | None = None
    kpis: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def lists_models(self) -> bool:
        """Return whether headlines and totals are lists with one item for each model."""
        return any(dimension.id == "model" for dimension in self.dimensions)

    @property
    def wanted(self) -> Wanted:
        """Return the measures and dimensions of this question."""
        return Wanted(
            measures_of(self.metrics, with_intervals=self.with_intervals),
            self.dimensions,
            self.by,
            self.filters,
            self.each_account,
            self.cost_view,
            self.with_people,
        )

    def models_shown(self, found: set[str]) -> tuple[str, ...]:
        """Return the asked models that have credits.

        When none has, return those that a policy has by default, else all asked models.
        """
        by_default = tuple(model for model in self.models if model in DEFAULT_MODELS)
        credited = tuple(model for model in self.models if model in found)
        return credited or by_default or self.models


def question_of(asked: _Parameters) -> Question:
    """Return the question that the parameters ask; raise a 422 for a wrong filter."""
    dimensions = tuple(DIMENSIONS[name] for name in asked.group_by.split(","))
    chosen = set(asked.metrics.split(",")) if asked.metrics else {one.id for one in DEFAULT_METRICS}
    filters = {name: _filter(DIMENSIONS[name], text) for name, text in asked.filter_texts().items()}
    of_model = filters.pop("model", None)
    return Question(
        dimensions=dimensions,
        metrics=tuple(metric for metric in METRICS_IN_ORDER if metric.id in chosen),
        models=_models(asked.model, dimensions, of_model),
        by=asked.by,
        currency=asked.currency,
        filters=tuple(filters.values()),
        compare=asked.compare,
        cost_view=CostView(asked.cost_view),
        ranked_by=_ranked_by(asked),
    )


def _ranked_by(asked: _Parameters) -> str | None:
    """Return the metric by whose interval rows are ranked; a 422 says which may be."""
    if asked.order is None:
        return None
    names = asked.metrics.split(",") if asked.metrics else [ROI.id]
    found = next((name for name in names if name in RANKING), None)
    if found is None:
        raise field_problem("order", f"needs one of {', '.join(RANKING)} among metrics")
    return found


def _filter(dimension: Dimension, text: str) -> Filter:
    try:
        return read_filter(dimension, text)
    except WrongFilter as wrong:
        raise field_problem(f"filter.{dimension.id}", str(wrong)) from None


def _models(
    model: str | None, dimensions: Sequence[Dimension], of_model: Filter | None
) -> tuple[str, ...]:
    """Return the named model, else `last`, or all models when grouped by model.

    A filter chooses among all models that may be listed; a question without `model` as a dimension
    has one.
    """
    is_dimension = any(dimension.id == "model" for dimension in dimensions)
    if of_model is None:
        by_default = MODELS if is_dimension else (DEFAULT_MODEL,)
        return by_default if model is None else (model,)
    among = tuple(CREDIT_MODELS) if model is None else (model,)
    if of_model.negated and model is None:
        among = MODELS
    chosen = tuple(name for name in among if of_model.passes([name]))
    if not chosen or (len(chosen) > 1 and not is_dimension):
        message = "leaves no model" if not chosen else "leaves several models: group by model"
        raise field_problem(of_model.field, message)
    return chosen
