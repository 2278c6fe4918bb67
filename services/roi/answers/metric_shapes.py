"""HTTP shapes of the metric dictionary: `GET /v1/metrics`.

Promise: the list is made from the entries that compute the figures of answers.
"""

from services.roi.answers.dictionary import METRICS_IN_ORDER
from services.roi.answers.intervals import LEVEL, ORDERS_LEAST
from services.roi.answers.kinds import Metric
from services.roi.answers.seasonality import INDEX
from shared.api.shapes import AnswerModel


class MetricInterval(AnswerModel):
    """The interval of a metric."""

    id: str
    """The kind of interval."""
    level: float
    """How often it is meant to cover what it is about."""
    assumption: str
    """What it assumes, and where it is missing."""
    source: str
    """The source of the formula."""
    orders_least: int | None
    """It is null with fewer kept purchases and renewals; null: it needs none."""


class MetricEntry(AnswerModel):
    """One entry of the metric dictionary."""

    id: str
    """The metric's name in answers."""
    version: int
    """The version of the formula."""
    name: str
    """The name for people."""
    formula: str
    """The formula as text."""
    inputs: list[str]
    """The measures that the formula takes."""
    basis: str
    """What the amounts are: booked, modelled, accrual."""
    unit: str
    """The unit: count, conversions, money or ratio."""
    per_currency: bool
    """Whether there is one value for each currency."""
    additive: bool
    """Whether rows add up to the total."""
    empty_value: str
    """What an empty value means."""
    source: str
    """The source of the definition."""
    interval: MetricInterval | None
    """Its interval in answers; null: it has none."""
    no_interval: str | None
    """Why it has no interval; null where it has one."""


class MetricList(AnswerModel):
    """The metric dictionary; it has no second page."""

    items: list[MetricEntry]
    """Every metric."""
    next_cursor: None = None
    """Always null: there is one page."""


def metric_list() -> MetricList:
    """Return the metric dictionary."""
    return MetricList(items=[_metric_entry(metric) for metric in (*METRICS_IN_ORDER, INDEX)])


def _metric_entry(metric: Metric) -> MetricEntry:
    values = {name: getattr(metric, name) for name in MetricEntry.model_fields}
    values |= {"unit": metric.unit.value, "inputs": list(metric.inputs)}
    interval = metric.interval
    if interval is not None:
        values["interval"] = MetricInterval(
            id=interval.id,
            level=LEVEL,
            assumption=interval.assumption,
            source=interval.source,
            orders_least=None if interval.orders is None else ORDERS_LEAST,
        )
        values["no_interval"] = None
    return MetricEntry(**values)
