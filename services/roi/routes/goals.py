"""/v1/goals: a target for a metric of the program, a campaign or a creator, and its progress.

Goals are not on the log, because only roi uses them.

Promise: the progress reads in one transaction and is computed in a thread, as other answers are.
After a correction or an archiving, `as_of` still answers with the former goal.
What can go wrong: 422 names the field; 429 when the brand has too many answers in progress.
"""

import asyncio
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Final
from zoneinfo import ZoneInfo

from fastapi import Depends, Query, Request
from starlette.responses import Response
from typing_extensions import override

from services.roi.answers.goals.goal_shapes import (
    GOAL_METRICS,
    GoalAnswer,
    GoalBody,
    GoalProgress,
    ProgressParameters,
    money_or_number,
    number_of,
)
from services.roi.answers.goals.progress import (
    GRAINS,
    Asked,
    build_progress,
    read_progress,
)
from services.roi.answers.kinds import Metric
from services.roi.answers.metrics.net_revenue import NET_REVENUE
from services.roi.answers.period import SPAN_DAYS_MAX
from services.roi.answers.sizes import AnswerRefused
from services.roi.answers.values import Unit
from services.roi.domain.entity import Entity, EntityFacts, Version
from services.roi.routes.catalog_calls import answered, catalog_router, object_id_type
from services.roi.routes.money import money_facts, money_restated
from services.roi.routes.parts import Parts, parts_of, require
from services.roi.routes.resource import (
    Example,
    Resource,
    Work,
    check_at_most_one_of,
    keep_one_of,
    missing,
    path_id,
    plain_facts,
)
from shared.api.openapi import EXAMPLE_EXTERNAL_ID, example_id
from shared.api.shapes import MoneyIn
from shared.http.auth import Principal
from shared.http.problems import Problem, field_problem
from shared.money import MoneyError, exponent

_SCOPES: Final = ("campaign_id", "creator_id")


class Goals(Resource[GoalBody]):
    """Goals as a resource."""

    kind = "goal"
    path = "/v1/goals"
    answer = GoalAnswer
    example: ClassVar[Example] = {
        "external_id": EXAMPLE_EXTERNAL_ID,
        "name": "Spring sales",
        "metric": NET_REVENUE.id,
        "target": "12000.00",
        "currency": "EUR",
        "starts_on": "2026-03-01",
        "ends_on": "2026-05-31",
        "campaign_id": example_id("campaign"),
    }
    correction: ClassVar[Example] = {"target": "15000.00"}

    @override
    async def draft(self, work: Work, body: GoalBody, current: EntityFacts | None) -> Version:
        check_at_most_one_of(body, *_SCOPES)
        campaign = await self._campaign(work, body)
        metric = GOAL_METRICS[body.metric]
        currency = await self._currency(work, body, metric)
        target = _target(body, metric, currency)
        starts_on = await self._starts_on(work, body, campaign)
        if body.ends_on < starts_on:
            raise field_problem("ends_on", f"is before starts_on, {starts_on.isoformat()}")
        if (body.ends_on - starts_on).days >= SPAN_DAYS_MAX:
            raise field_problem("ends_on", f"is more than {SPAN_DAYS_MAX} days after starts_on")
        facts = plain_facts(body, "target", "currency", "starts_on")
        held = {"target": target, "currency": currency, "starts_on": starts_on.isoformat()}
        return Version(facts | held)

    async def _campaign(self, work: Work, body: GoalBody) -> EntityFacts:
        """Return the facts of the campaign, none without one; 422 for an unknown scope."""
        if body.creator_id is not None:
            await work.referred("creator_id", "creator", body.creator_id)
        if body.campaign_id is None:
            return {}
        return (await work.referred("campaign_id", "campaign", body.campaign_id)).latest.facts

    async def _currency(self, work: Work, body: GoalBody, metric: Metric) -> str | None:
        """Return the currency of the figures: as named, else the workspace's; None for no money."""
        named = body.target.currency if isinstance(body.target, MoneyIn) else None
        if not metric.per_currency:
            if body.currency is not None or named is not None:
                raise field_problem("currency", f"{metric.id} is counted over all currencies")
            return None
        found = body.currency or named
        if found is None:
            return str((await work.workspace_facts())["currency"])
        try:
            exponent(found)
        except MoneyError as error:
            raise field_problem("currency", str(error)) from None
        return found

    async def _starts_on(self, work: Work, body: GoalBody, campaign: EntityFacts) -> date:
        if body.starts_on is not None:
            return body.starts_on
        if campaign.get("starts_on") is not None:
            return date.fromisoformat(campaign["starts_on"])
        zone = ZoneInfo((await work.workspace_facts())["time_zone"])
        return work.parts.clock.now().astimezone(zone).date()

    @override
    def restated(self, parts: Parts, entity_id: str, row: Version) -> dict[str, Any]:
        target = row.facts["target"]
        if isinstance(target, dict):
            target = money_restated(target, "target")["target"]
        return super().restated(parts, entity_id, row) | {"target": target}

    @override
    def merged(self, current: dict[str, Any], named: dict[str, Any]) -> dict[str, Any]:
        target, metric = named.get("target"), named.get("metric")
        is_other = isinstance(target, MoneyIn) and target.currency is not None
        if is_other or (metric is not None and not GOAL_METRICS[metric].per_currency):
            current = current | {"currency": None}
        if "direction" in named and named["direction"] is None:
            named = named | {"direction": "at_least"}
        return keep_one_of(current, named, _SCOPES)

    @override
    def shown(self, parts: Parts, entity: Entity) -> dict[str, Any]:
        facts = entity.latest.facts
        return {**facts, "target": money_or_number(facts)}


def _target(body: GoalBody, metric: Metric, currency: str | None) -> dict[str, int | str] | str:
    """Return the target as stored: money, or the text of a number."""
    target = body.target
    if metric.unit is Unit.MONEY:
        if isinstance(target, Decimal):
            raise field_problem("target", f"{metric.id} is money: {_SEND_MONEY}")
        money = money_facts(target, "target", currency)
        assert money is not None
        _check_above_zero(metric, Decimal(money["amount_minor"]))
        return money
    number = target if isinstance(target, Decimal) else _number(target)
    _check_above_zero(metric, number)
    return f"{number.normalize():f}"


_SEND_MONEY: Final = 'send a decimal string such as "5000.00"'


def _number(target: MoneyIn) -> Decimal:
    if target.amount is None or target.currency is not None:
        raise field_problem("target", "is no money: send a number or a decimal string")
    try:
        return number_of(target.amount)
    except ValueError as error:
        raise field_problem("target", str(error)) from None


def _check_above_zero(metric: Metric, target: Decimal) -> None:
    if metric.additive and target <= 0:
        raise field_problem("target", "must be above 0")


_RESOURCE: Final = Goals(GoalBody)
router = catalog_router(_RESOURCE)


async def show_progress(
    request: Request,
    caller: Annotated[Principal, Depends(require("read"))],
    object_id: str,
    asked: Annotated[ProgressParameters, Query()],
) -> Response:
    """Actual, expected to date, run rate, forecast with a 90 % interval, status and its history."""
    parts = parts_of(request)
    goal_id = path_id("goal", object_id)
    async with parts.brand_answers.turn(caller.workspace_id, caller.key_id):
        return answered(await progress_of(parts, caller.workspace_id, goal_id, asked))


async def progress_of(
    parts: Parts, workspace_id: str, goal_id: str, asked: ProgressParameters
) -> GoalProgress:
    """Return the progress, with the finest history that an answer can hold."""
    loop = asyncio.get_running_loop()
    too_large = ""
    for grain in GRAINS:
        try:
            async with parts.database.read([workspace_id]) as conn:
                when = Asked(parts.clock.now(), asked.as_of)
                given = await read_progress(conn, workspace_id, goal_id, when, grain)
            if given is None:
                raise missing("goal", goal_id)
            return await loop.run_in_executor(parts.answer_threads, build_progress, given)
        except AnswerRefused as refused:
            too_large = refused.message
    raise Problem(422, None, f"the figure of this goal {too_large}")


show_progress.__annotations__["object_id"] = object_id_type(_RESOURCE)
router.get(
    "/{object_id}/progress",
    response_model=GoalProgress,
    summary="Show the progress of one goal",
)(show_progress)
