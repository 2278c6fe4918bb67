"""HTTP shapes of the answer of `GET /v1/roi`.

Promise: exact values become JSON here: money as whole minor units with its currency, conversions
and ratios as numbers, missing as null. One currency in an answer gives single values; several give
a list with one item each, in the order of their codes. The fields of `measures` are those of the
metric registry. Bodies are written by msgspec, because an answer may have thousands of rows; the
pydantic models describe the same body in the OpenAPI document.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import msgspec
from pydantic import Field, create_model

from services.roi.answers.assemble import Answer, Figures, Row
from services.roi.answers.dictionary import METRICS_IN_ORDER
from services.roi.answers.doubt import Doubt
from services.roi.answers.intervals import LEVEL, ORDERS_LEAST
from services.roi.answers.kinds import Metric
from services.roi.answers.seasonality import INDEX
from services.roi.answers.value_json import number_of, ratio_writer, writer_of
from services.roi.answers.values import Unit
from shared.api.shapes import WITHOUT_SOURCE, AnswerModel, MoneyOut
from shared.models import is_additive


class CurrencyMoney(AnswerModel):
    """An amount in one of several currencies; null when it is unknown."""

    amount_minor: int | None
    """The amount in minor units; null when it is unknown."""
    currency: str
    """The currency of the amount."""


class CurrencyRatio(AnswerModel):
    """A ratio in one of several currencies; null when it is undefined."""

    value: float | None
    """The ratio; null when it is undefined."""
    currency: str
    """The currency of the ratio."""


def _field(metric: Metric) -> tuple[Any, Any]:
    """Return the type and description of a metric's value in a row."""
    # Every metric may be left out of an answer: `metrics=` chooses.
    described = Field(default_factory=lambda: None, description=f"{metric.name}: {metric.formula}.")
    if metric.unit is Unit.MONEY:
        return (MoneyOut | None | list[CurrencyMoney], described)
    kind: Any = {Unit.COUNT: int, Unit.CONVERSIONS: float, Unit.RATIO: float | None}[metric.unit]
    kind = kind | None if metric.may_be_missing else kind
    return (kind | list[CurrencyRatio] if metric.per_currency else kind, described)


class _Measures(AnswerModel):
    """Figures; `model` only when models are listed."""

    model: str | None = None
    """The credit model, when the answer lists models."""


# A sum over rows and organic has no ratios: organic revenue is not the return of a cost.
ADDITIVE_METRICS: Final = tuple(metric for metric in METRICS_IN_ORDER if metric.additive)

if TYPE_CHECKING:
    RoiMeasures = _Measures
    RoiTotals = _Measures
else:
    RoiMeasures, RoiTotals = (
        create_model(
            name,
            __base__=_Measures,
            __cls_kwargs__=WITHOUT_SOURCE,
            __doc__=sentence,
            **{metric.id: _field(metric) for metric in metrics},
        )
        for name, metrics, sentence in (
            ("RoiMeasures", METRICS_IN_ORDER, "The figures of a row or of a headline."),
            ("RoiTotals", ADDITIVE_METRICS, "The additive figures of the whole brand."),
        )
    )


# An interval is written as two of its figure.
_INTERVAL_SENTENCE: Final = "the lower and the upper end of its 90 % interval; null without one."

if TYPE_CHECKING:
    RoiIntervals = AnswerModel
else:
    RoiIntervals = create_model(
        "RoiIntervals",
        __base__=AnswerModel,
        __cls_kwargs__=WITHOUT_SOURCE,
        __doc__="The intervals of the figures that have one.",
        **{
            metric.id: (
                Annotated[list[_field(metric)[0]], Field(min_length=2, max_length=2)] | None,
                Field(default=None, description=f"{metric.name}: {_INTERVAL_SENTENCE}"),
            )
            for metric in METRICS_IN_ORDER
            if metric.interval is not None
        },
    )


class _Doubted(AnswerModel):
    """The doubt of a row or a headline figure."""

    intervals: RoiIntervals
    """The 90 % intervals of the figures of the present period."""
    too_few: bool | None
    """Whether fewer orders were kept than intervals of orders need; null without such figures."""
    pays: Literal["yes", "no", "cannot_tell"] | None
    """Whether the return is above the cost: `yes` where the lower end of `bcr` is above 1, `no`
    where its upper end is below 1; `cannot_tell` otherwise, and where there are several currencies;
    null without a cost, or without `bcr`."""


class RoiSeason(AnswerModel):
    """How a weekday or month of the year differs from the mean of all days."""

    days: int
    """The days of the period that the mean is of."""
    index: dict[str, float | list[CurrencyRatio] | None]
    """Each additive figure for each day, over that of all rows; null for too few days."""


class RoiRow(_Doubted):
    """One row: an id or a word for each dimension."""

    group: dict[str, str | None]
    """The id or word of each dimension; null without one."""
    label: str
    """A name of the row for people."""
    measures: RoiMeasures
    """The figures of the row."""
    compared: RoiMeasures | None = None
    """The figures of the period that is compared; absent where none is."""
    seasonality: RoiSeason | None = None
    """The seasonality index; only in rows by `weekday` or `month_of_year` alone, between days."""


if TYPE_CHECKING:
    RoiHeadline = _Measures
    RoiWhole = _Measures
else:
    RoiHeadline, RoiWhole = (
        create_model(
            name,
            __base__=bases,
            __cls_kwargs__=WITHOUT_SOURCE,
            __doc__=measures.__doc__,
            compared=(
                measures | None,
                Field(
                    default=None,
                    description="The figures of the period that is compared; absent without one.",
                ),
            ),
        )
        for name, measures, bases in (
            ("RoiHeadline", RoiMeasures, (RoiMeasures, _Doubted)),
            ("RoiWhole", RoiTotals, (RoiTotals,)),
        )
    )


class ComparedPeriod(AnswerModel):
    """The period that is compared with the present one."""

    from_: Annotated[date | datetime, Field(alias="from")]
    """The first day or moment."""
    to: date | datetime
    """The last day (included) or moment (excluded)."""


class IntervalRule(AnswerModel):
    """What holds for every interval of an answer."""

    level: float
    """How often an interval is meant to cover what it is about."""
    orders_least: int
    """A row with fewer kept purchases and renewals is too few."""


class MetricVersion(AnswerModel):
    """The version of a metric, and its formula."""

    version: int
    """The version of the formula."""
    formula: str
    """The formula as text."""


class RoiWarning(AnswerModel):
    """Something that weakens the figures of an answer."""

    id: str
    """The kind of warning: `stopped` (no new credits are taken), `no_margin` (profit counts
    revenue), `costs_without_placement`, `costs_without_weight` (to be spread by clicks, views or
    credit that are not there), `overhead` (costs without an owner), `filtered_costs` (costs that a
    filter leaves out, because costs have none of its dimension), `overlapping` (rows that add up to
    more than the totals), `counts_fallen` (a social count is lower than before), `stale` (nothing
    was recorded lately), `unpaid` (costs that `cash` leaves out), `no_goal` (campaigns of the rows
    have none), `missing_rate` (amounts without an exchange rate), `missing_value_rate` (volumes
    that nothing is assumed of, because no value rate holds), `leads_without_worth` (open leads of
    which too few are known to model their worth), `too_many_people` (of a funnel with too many
    conversions to count their people).
    """
    sentence: str
    """What is the matter, and what to do, for people."""


class RoiMeta(AnswerModel):
    """The question, the moment of the answer, and the formulas."""

    model: str | list[str]
    """The credit model, or the list of models."""
    by: str
    """The time that dates a credit: the conversion's or the touch's."""
    cost_view: str
    """The day that dates a cost: incurred, accrual or cash."""
    group_by: list[str]
    """The dimensions of the rows."""
    filters: dict[str, str]
    """The filters, by dimension, as they were sent."""
    overlapping: list[str]
    """The dimensions whose rows overlap: rows then do not add up to the totals."""
    currency: str | None
    """The currency of all amounts; null when there are several."""
    currencies: list[str]
    """The currencies of the amounts."""
    missing_rates: list[str]
    """Exchange rates that were needed and are not known."""
    from_: Annotated[date | datetime, Field(alias="from")]
    """The first day or moment."""
    to: date | datetime
    """The last day (included) or moment (excluded)."""
    compared: ComparedPeriod | None
    """The period that is compared; null without one."""
    time_zone: str
    """The time zone of the days."""
    as_of: datetime
    """Send it as `as_of` to get this answer again."""
    fresh_to: datetime
    """Everything recorded until then is in the answer."""
    sequence: int
    """The sequence of the last credits record in the answer."""
    additive: bool
    """Whether the figures add up to the totals."""
    source: str
    """The finest grain that was read: months, days or entries."""
    intervals: IntervalRule | None = None
    """What holds for the intervals; null where the answer has none."""
    ranked_by: str | None = None
    """The metric by the lower end of whose interval rows are sorted; null: by what they earned."""
    warnings: list[RoiWarning]
    """What weakens the figures; empty when nothing does."""
    metrics: dict[str, MetricVersion]
    """The version and formula of each metric."""


class RoiAnswer(AnswerModel):
    """The answer to `GET /v1/roi`.

    For every additive measure rows + organic = totals, and program + brand + organic + overhead =
    totals.
    """

    meta: RoiMeta
    """The question and the moment of the answer."""
    rows: list[RoiRow]
    """One row for each value of the dimensions."""
    program: RoiHeadline | list[RoiHeadline]
    """All that creators earned, and all that creators and campaigns cost."""
    brand: RoiHeadline | list[RoiHeadline]
    """What the brand's own content earned and cost."""
    organic: RoiHeadline | list[RoiHeadline]
    """What no placement is credited with."""
    overhead: RoiHeadline | list[RoiHeadline]
    """Costs of no placement, creator or campaign, which is also a row of its own."""
    totals: RoiWhole | list[RoiWhole]
    """Everything together: additive figures only, because organic revenue returns no cost."""


def told_of_intervals(ranked_by: str | None) -> dict[str, Any]:
    """Return what `meta` tells of intervals and of the order of rows."""
    rule = {"level": LEVEL, "orders_least": ORDERS_LEAST}
    return {"intervals": rule, "ranked_by": ranked_by}


_encoder: Final = msgspec.json.Encoder()
_Writers = Sequence[tuple[str, Callable[[Any], object]]]


def encode_answer(
    answer: Answer,
    meta: Mapping[str, Any],
    metrics: Sequence[Metric],
    models: Sequence[str],
    *,
    lists_models: bool,
) -> bytes:
    """Return the body of an answer; `lists_models`: headlines and totals are lists by model."""
    every = [(metric.id, writer_of(metric, answer.currencies)) for metric in metrics]
    additive = {metric.id for metric in metrics if metric.additive}
    of_totals = [item for item in every if item[0] in additive]
    before = answer.compared
    headlines_before = {} if before is None else before.headlines
    totals_before = None if before is None else before.totals

    def by_model(
        measured: Mapping[str, Figures],
        compared: Mapping[str, Figures] | None,
        writers: _Writers,
        doubts: Mapping[str, Doubt] | None = None,
    ) -> object:
        told = [
            {
                **({"model": name} if lists_models else {}),
                **_shown(figures, writers),
                **({} if doubts is None else _doubt_shown(doubts[name], writers)),
                **({} if compared is None else {"compared": _shown(compared[name], writers)}),
            }
            for name, figures in measured.items()
        ]
        return told if lists_models else told[0]

    body = {
        "meta": whole_meta(answer, meta, metrics, list(models) if lists_models else models[0]),
        "rows": [_row(row, every) for row in answer.rows],
        **{
            headline.value: by_model(
                measured, headlines_before.get(headline), every, answer.doubts[headline]
            )
            for headline, measured in answer.headlines.items()
        },
        "totals": by_model(answer.totals, totals_before, of_totals),
    }
    return _encoder.encode(body)


def whole_meta(
    answer: Answer, meta: Mapping[str, Any], metrics: Sequence[Metric], model: str | list[str]
) -> dict[str, Any]:
    """Return `meta` with what the answer itself tells; `model` is a list when models are listed."""
    has_seasons = any(row.season is not None for row in answer.rows)
    return {
        **meta,
        "model": model,
        "currency": answer.currencies[0] if len(answer.currencies) == 1 else None,
        "currencies": answer.currencies,
        "missing_rates": answer.missing_rates,
        "additive": all(map(is_additive, [model] if isinstance(model, str) else model)),
        "metrics": {
            metric.id: {"version": metric.version, "formula": metric.formula}
            for metric in (*metrics, *((INDEX,) if has_seasons else ()))
        },
    }


def _row(row: Row, writers: _Writers) -> dict[str, object]:
    told: dict[str, object] = {
        "group": row.group,
        "label": row.label,
        "measures": _shown(row.figures, writers),
        **_doubt_shown(row.doubt, writers),
    }
    if row.compared is not None:
        told["compared"] = _shown(row.compared, writers)
    if row.season is not None:
        told["seasonality"] = {"days": row.season.days, "index": _indexes(row.season.index)}
    return told


def _shown(figures: Figures, writers: _Writers) -> dict[str, object]:
    return {name: write(figures[name]) for name, write in writers}


def _indexes(index: Figures) -> dict[str, object]:
    return {
        name: ratio_writer(is_single=len(value) == 1)(value)
        if isinstance(value, tuple)
        else number_of(value)
        for name, value in index.items()
    }


def _doubt_shown(doubt: Doubt, writers: _Writers) -> dict[str, object]:
    intervals = {
        name: (ends := doubt.intervals[name]) and [write(ends[0]), write(ends[1])]
        for name, write in writers
        if name in doubt.intervals
    }
    return {"intervals": intervals, "too_few": doubt.too_few, "pays": doubt.pays}
