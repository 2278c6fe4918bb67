"""Bodies and answers of goals, and of the progress of one.

Promise: a goal may name every metric that is a sum or a quotient; which those are follows from the
metric registry. A target is money, a number, or a decimal string, as the metric counts.
"""

import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field, PlainValidator, TypeAdapter, WithJsonSchema

from services.roi.answers.answer_shapes import RoiWarning
from services.roi.answers.dictionary import MEASURES, METRICS_IN_ORDER
from services.roi.answers.kinds import Fact, Metric
from services.roi.answers.values import Unit
from services.roi.domain.goals import Direction
from services.roi.wire.fields import EntityId, LocalDate, Name, Named, Stored
from shared.api.shapes import AnswerModel, Moment, MoneyIn, MoneyOut, StrictModel

# Of a target that is no money: as many digits as an amount has.
_NUMBER: Final = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,6})?", re.ASCII)
_SEND_NUMBER: Final = 'send a number with at most 15 digits and 6 decimals, such as 250 or "1.5"'


def may_have_goal(metric: Metric) -> bool:
    """Return whether a goal may name a metric: sums, and quotients of sums.

    What has a count that does not add up, such as followers, is neither.
    """
    adds_up = all(MEASURES[name].additive for name in metric.inputs)
    # Leads mature and are modelled no more, so what is open does not grow over the days of a goal.
    is_open = any(MEASURES[name].fact is Fact.OPEN_LEADS for name in metric.inputs)
    return adds_up and not is_open and (metric.additive or metric.unit in (Unit.RATIO, Unit.MONEY))


GOAL_METRICS: Final[Mapping[str, Metric]] = {
    metric.id: metric for metric in METRICS_IN_ORDER if may_have_goal(metric)
}


def _check_metric(value: str) -> str:
    if value not in GOAL_METRICS:
        raise ValueError(f"send one of {', '.join(GOAL_METRICS)}")
    return value


def _parse_target(value: object) -> MoneyIn | Decimal:
    if isinstance(value, bool):
        raise ValueError(_SEND_NUMBER)
    return number_of(str(value)) if isinstance(value, int | float | Decimal) else _money(value)


def _money(value: object) -> MoneyIn:
    return MoneyIn.parse(value)


def number_of(text: str) -> Decimal:
    """Return the number of a target; ValueError when it has too many digits."""
    if not _NUMBER.fullmatch(text.removesuffix(".0")):
        raise ValueError(_SEND_NUMBER)
    return Decimal(text)


GoalMetric = Annotated[
    str,
    AfterValidator(_check_metric),
    WithJsonSchema({"type": "string", "enum": list(GOAL_METRICS)}),
]
GoalTarget = Annotated[
    MoneyIn | Decimal,
    PlainValidator(_parse_target),
    WithJsonSchema(
        {"anyOf": [{"type": "number"}, *TypeAdapter(MoneyIn).json_schema()["anyOf"]]},
    ),
]


class GoalBody(Named):
    """A goal as sent: a metric, its target, its days, and at most one scope."""

    name: Name | None = None
    """The goal's name."""
    metric: GoalMetric
    """The metric that the target is for: a word of `GET /v1/metrics`."""
    target: GoalTarget
    """The figure to reach, or not to exceed. Money as everywhere; other metrics take a number or a
    decimal string."""
    currency: str | None = None
    """The currency of the figures, of a metric that has one for each; the workspace's when left
    out."""
    starts_on: LocalDate | None = None
    """The first local day; when left out, that of the campaign, else today."""
    ends_on: LocalDate
    """The last local day."""
    direction: Direction = "at_least"
    """Whether the figure is to reach the target (`at_least`) or not to exceed it (`at_most`)."""
    campaign_id: EntityId | None = None
    """The campaign whose figure counts."""
    creator_id: EntityId | None = None
    """The creator whose figure counts; without a campaign and a creator, that of `program`."""


class GoalAnswer(Stored):
    """A goal as answered."""

    name: str | None
    """The goal's name."""
    metric: str
    """The metric that the target is for."""
    target: MoneyOut | float
    """The figure to reach, or not to exceed."""
    currency: str | None
    """The currency of the figures; null for a metric that is counted over all currencies."""
    starts_on: LocalDate
    """The first local day."""
    ends_on: LocalDate
    """The last local day."""
    direction: Direction
    """Whether the figure is to reach the target, or not to exceed it."""
    campaign_id: str | None
    """The campaign whose figure counts."""
    creator_id: str | None
    """The creator whose figure counts; without both, that of `program`."""


class ProgressParameters(StrictModel):
    """The parameters of `GET /v1/goals/{object_id}/progress`."""

    as_of: Moment | None = None
    """Answer as it was known at this moment, and count the days to it; now when left out."""


GoalStatus = Literal["too_early", "ahead", "on_track", "behind", "reached", "missed"]
GoalFigure = MoneyOut | float | None


class GoalForecast(AnswerModel):
    """The figure at the end of the goal, if it goes on as it did."""

    value: GoalFigure
    """What is expected at the end; null before the first day."""
    low: GoalFigure
    """The lower end of the 90 % interval; null where fewer than 7 days or weeks are over."""
    high: GoalFigure
    """The upper end of the 90 % interval; null where fewer than 7 days or weeks are over."""


class GoalPoint(AnswerModel):
    """How the goal stood when a day was over, by what is known at the answer's moment."""

    on: date
    """The local day."""
    actual: GoalFigure
    """The figure from the first day to this one."""
    expected: GoalFigure
    """What was expected to this day."""
    status: GoalStatus | None
    """The status of that day; null where the figure has no value."""


class GoalProgress(AnswerModel):
    """The progress of a goal. Amounts are in the goal's currency, other figures are numbers."""

    goal_id: str
    """The goal."""
    metric: str
    """The metric of the figures."""
    model: str
    """The credit model of the figures."""
    by: str
    """The time that dates a credit."""
    from_: Annotated[date, Field(alias="from")]
    """The first day that counts. `GET /v1/roi` with these days, the scope as `group_by`, and the
    goal's currency gives the same figure."""
    to: date
    """The last day that counts: today, or the last day of the goal."""
    time_zone: str
    """The time zone of the days."""
    as_of: datetime
    """The moment of the figures."""
    days: int
    """How many days the goal has."""
    days_elapsed: float
    """How many of them are over, with the part of today."""
    actual: GoalFigure
    """The figure to date; null where it has no value."""
    target: MoneyOut | float
    """The figure to reach, or not to exceed."""
    expected_to_date: GoalFigure
    """What is expected to date: the target by days elapsed; for a quotient the target itself."""
    run_rate: GoalFigure
    """The figure for each day elapsed; null for a quotient."""
    forecast: GoalForecast
    """The figure at the end, if it goes on as it did."""
    status: GoalStatus | None
    """`reached` or `missed` at the end, for a sum as soon as it is certain; `too_early` in the
    first tenth of the days, and for a quotient of fewer than 10 conversions or clicks; else
    `on_track` within 5 % of what is expected to date, `ahead` or `behind`. Null where the figure
    has no value."""
    history: list[GoalPoint]
    """The status of each day that is over, or of each week or month where there are many."""
    warnings: list[RoiWarning]
    """What weakens the figures; empty when nothing does."""


def money_or_number(facts: Mapping[str, Any]) -> dict[str, Any] | float:
    """Return a stored target as an answer shows it."""
    target = facts["target"]
    return target if isinstance(target, dict) else float(target)
