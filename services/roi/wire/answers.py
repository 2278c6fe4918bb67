"""HTTP shapes of questions and answers: `GET /v1/roi` and `GET /v1/metrics`.

Promise: here exact values become JSON: money as whole minor units with its currency, conversions and ratios as numbers, missing as
null. One currency in an answer gives single values, several give a list with one item each, in the order of their codes. Bodies
are written by msgspec, because an answer may have thousands of rows; the pydantic models say the same to the OpenAPI document.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any, Final, Literal

import msgspec
from pydantic import AfterValidator, Field, WithJsonSchema

from services.roi.domain.answer import (
    DIMENSIONS,
    DIMENSIONS_MAX,
    Answer,
    Measures,
)
from services.roi.domain.metrics.dictionary import DICTIONARY, Metric, Ratio, Unit, Value
from services.roi.wire.fields import DayOrTime
from shared.http.wire import AnswerModel, Currency, Moment, MoneyOut, StrictModel
from shared.models import ModelName, is_additive

_GROUP_PATTERN: Final = "^({0})(,({0}))?$".format("|".join(DIMENSIONS))


def _check_group_by(value: str) -> str:
    names = value.split(",")
    allowed = f"one or two of {', '.join(DIMENSIONS)}, joined by a comma"
    if not set(names) <= set(DIMENSIONS) or len(names) > DIMENSIONS_MAX:
        raise ValueError(f"send {allowed}")
    if len(set(names)) != len(names):
        raise ValueError(f"names one dimension twice; send {allowed}")
    return value


class RoiParameters(StrictModel):
    """What `GET /v1/roi` may be asked. Dates are the workspace's own days, both included; times are half-open, on whole quarters of an
    hour. By default the last 30 days."""

    group_by: Annotated[
        str,
        AfterValidator(_check_group_by),
        WithJsonSchema({"type": "string", "pattern": _GROUP_PATTERN}),
    ] = "creator"
    from_: Annotated[DayOrTime | None, Field(alias="from")] = None
    to: DayOrTime | None = None
    model: ModelName | None = None
    by: Literal["conversion_time", "touch_time"] = "conversion_time"
    as_of: Moment | None = None
    currency: Currency | None = None


class CurrencyMoney(AnswerModel):
    """An amount in one of several currencies; null where it cannot be said."""

    amount_minor: int | None
    currency: str


class CurrencyRatio(AnswerModel):
    """A ratio in one of several currencies; null where it cannot be said."""

    value: float | None
    currency: str


MoneyValue = MoneyOut | None | list[CurrencyMoney]
RatioValue = float | None | list[CurrencyRatio]


class RoiMeasures(AnswerModel):
    """The figures of a row, of what is organic, or of the totals. `model` is there when models are listed side by side."""

    model: str | None = None
    clicks: int
    conversions: float
    net_revenue: MoneyValue
    cost: MoneyValue
    profit: MoneyValue
    roi: RatioValue
    roas: RatioValue
    cpa: MoneyValue
    cpc: MoneyValue
    aov: MoneyValue
    conversion_rate: float | None


class RoiRow(AnswerModel):
    """One row: an id or a word for each dimension."""

    group: dict[str, str | None]
    label: str
    measures: RoiMeasures


class MetricVersion(AnswerModel):
    """Which formula made a figure."""

    version: int
    formula: str


class RoiMeta(AnswerModel):
    """What was asked, of which moment the answer is, and by which formulas. `sequence` is the last credits record in it."""

    model: str | list[str]
    by: str
    group_by: list[str]
    currency: str | None
    currencies: list[str]
    missing_rates: list[str]
    from_: Annotated[date | datetime, Field(alias="from")]
    to: date | datetime
    time_zone: str
    as_of: datetime
    fresh_to: datetime
    sequence: int
    additive: bool
    metrics: dict[str, MetricVersion]


class RoiAnswer(AnswerModel):
    """The answer to `GET /v1/roi`: rows + organic = totals for every additive measure."""

    meta: RoiMeta
    rows: list[RoiRow]
    organic: RoiMeasures | list[RoiMeasures]
    totals: RoiMeasures | list[RoiMeasures]


class MetricEntry(AnswerModel):
    """One entry of the metric dictionary."""

    id: str
    version: int
    name: str
    formula: str
    inputs: list[str]
    basis: str
    unit: str
    per_currency: bool
    additive: bool
    empty_value: str
    source: str


class MetricList(AnswerModel):
    """The metric dictionary; it has no second page."""

    items: list[MetricEntry]
    next_cursor: None = None


def metric_list() -> MetricList:
    """The metric dictionary as answered."""
    return MetricList(items=[_metric_entry(metric) for metric in DICTIONARY])


def _metric_entry(metric: Metric) -> MetricEntry:
    values = {name: getattr(metric, name) for name in MetricEntry.model_fields}
    return MetricEntry(**values | {"unit": metric.unit.value, "inputs": list(metric.inputs)})


METRIC_VERSIONS: Final = {
    metric.id: {"version": metric.version, "formula": metric.formula} for metric in DICTIONARY
}
_encoder: Final = msgspec.json.Encoder()


def encode_answer(
    answer: Answer, meta: Mapping[str, Any], models: Sequence[str], *, lists_models: bool
) -> bytes:
    """The body of an answer; `lists_models` gives what is organic and the totals model by model."""
    body = {
        "meta": {
            **meta,
            "model": list(models) if lists_models else models[0],
            "currency": answer.currencies[0] if len(answer.currencies) == 1 else None,
            "currencies": answer.currencies,
            "missing_rates": answer.missing_rates,
            "additive": all(map(is_additive, models)),
            "metrics": METRIC_VERSIONS,
        },
        "rows": [
            {"group": row.group, "label": row.label, "measures": _measures(row.measures)}
            for row in answer.rows
        ],
        "organic": _by_model(answer.organic, lists_models=lists_models),
        "totals": _by_model(answer.totals, lists_models=lists_models),
    }
    return _encoder.encode(body)


def _by_model(measured: Mapping[str, Measures], *, lists_models: bool) -> object:
    if lists_models:
        return [{"model": model, **_measures(found)} for model, found in measured.items()]
    return _measures(next(iter(measured.values())))


def _measures(measures: Measures) -> dict[str, object]:
    shown: dict[str, object] = {}
    for metric in DICTIONARY:
        value = measures[metric.id]
        if not isinstance(value, tuple):
            shown[metric.id] = _number(value)
        elif len(value) == 1:
            shown[metric.id] = _single(metric.unit, *value[0])
        else:
            shown[metric.id] = [_listed(metric.unit, code, item) for code, item in value]
    return shown


def _single(unit: Unit, currency: str, value: Value) -> object:
    if unit is Unit.MONEY and value is not None:
        return {"amount_minor": value, "currency": currency}
    return _number(value)


def _listed(unit: Unit, currency: str, value: Value) -> object:
    name = "amount_minor" if unit is Unit.MONEY else "value"
    return {name: _number(value), "currency": currency}


def _number(value: Value) -> int | float | None:
    """A JSON number. The quotients here have at most six decimals, so the nearest double prints as exactly them."""
    if not isinstance(value, Ratio):
        return value
    whole, rest = divmod(value.numerator, value.denominator)
    return value.numerator / value.denominator if rest else whole
