"""/v1/costs: money spent on a day for one placement, creator or campaign, or for none: overhead.

Costs are not on the log, because only roi uses them. The days that a cost serves are stored as
given (`from`, `to`) and as they hold (`serves_from`, `serves_to`).

Promise: the days are local days of the workspace. After a correction or an archiving, `as_of` still
answers with the former cost. Dates of a campaign that change later move no cost.
"""

from datetime import date
from fractions import Fraction
from typing import Any, ClassVar, Final
from zoneinfo import ZoneInfo

from typing_extensions import override

from services.roi.domain.cost_span import (
    WEIGHTED_DAYS_MAX,
    SpanReversed,
    default_span,
    span_of_cost,
)
from services.roi.domain.entity import Entity, EntityFacts, Version
from services.roi.routes.catalog_calls import catalog_router
from services.roi.routes.money import money_facts, money_merged, money_restated
from services.roi.routes.parts import Parts
from services.roi.routes.resource import (
    Example,
    Resource,
    Work,
    check_at_most_one_of,
    keep_one_of,
    plain_facts,
)
from services.roi.wire.cost_shapes import CostAnswer, CostBody
from shared.api.openapi import EXAMPLE_EXTERNAL_ID, example_id
from shared.api.shapes import MoneyIn
from shared.http.problems import field_problem

_OWNERS: Final = ("placement_id", "creator_id", "campaign_id")
_MONEY: Final = ("amount", "amount_minor", "currency", "rate", "retail_value")


class Costs(Resource[CostBody]):
    """Costs as a resource."""

    kind = "cost"
    path = "/v1/costs"
    answer = CostAnswer
    example: ClassVar[Example] = {
        "external_id": EXAMPLE_EXTERNAL_ID,
        "kind": "fee",
        "amount": "20.00",
        "currency": "EUR",
        "placement_id": example_id("placement"),
        "agent_id": example_id("agent"),
        "incurred_on": "2026-03-01",
        "from": "2026-03-01",
        "to": "2026-05-31",
        "spread": "clicks",
        "paid_on": "2026-03-15",
    }
    correction: ClassVar[Example] = {"amount": "25.00"}

    @override
    async def draft(self, work: Work, body: CostBody, current: EntityFacts | None) -> Version:
        check_at_most_one_of(body, *_OWNERS)
        campaign = await self._campaign(work, body)
        await self._check_links(work, body)
        facts = plain_facts(body, *_MONEY) | _money(body)
        incurred_on = body.incurred_on or await self._today(work)
        served = _served(body, incurred_on, campaign)
        return Version(facts | {"incurred_on": incurred_on.isoformat(), **served})

    async def _campaign(self, work: Work, body: CostBody) -> EntityFacts:
        """Return the facts of the owning campaign, none without one; 422 for an unknown owner."""
        if body.placement_id is not None:
            await work.referred("placement_id", "placement", body.placement_id)
        if body.creator_id is not None:
            await work.referred("creator_id", "creator", body.creator_id)
        if body.campaign_id is None:
            return {}
        return (await work.referred("campaign_id", "campaign", body.campaign_id)).latest.facts

    async def _check_links(self, work: Work, body: CostBody) -> None:
        """Raise a 422 for an unknown agent or boosted placement, or a boost of another kind."""
        if body.agent_id is not None:
            await work.referred("agent_id", "agent", body.agent_id)
        if body.boosts_placement_id is not None:
            await work.referred("boosts_placement_id", "placement", body.boosts_placement_id)
            if body.kind != "paid_boost":
                raise field_problem("boosts_placement_id", "belongs to a cost of kind paid_boost")

    async def _today(self, work: Work) -> date:
        zone = ZoneInfo((await work.workspace_facts())["time_zone"])
        return work.parts.clock.now().astimezone(zone).date()

    @override
    def restated(self, parts: Parts, entity_id: str, row: Version) -> dict[str, Any]:
        facts = row.facts
        money = money_restated(facts["amount"], "amount")
        if facts.get("hours") is not None:
            money |= {"amount": None, **money_restated(facts["rate"], "rate")}
        gift = money_restated(facts.get("retail_value"), "retail_value")["retail_value"]
        return super().restated(parts, entity_id, row) | money | {"retail_value": gift}

    @override
    def merged(self, current: dict[str, Any], named: dict[str, Any]) -> dict[str, Any]:
        by_amount, by_hours = ("amount", "amount_minor"), ("hours", "rate")
        if any(named.get(name) is not None for name in by_amount):
            current = current | dict.fromkeys((*by_hours, "amount"))
        elif any(named.get(name) is not None for name in by_hours):
            current = current | {"amount": None}
        if "spread" in named and named["spread"] is None:
            named = named | {"spread": "equal"}
        current = keep_one_of(current, named, _OWNERS)
        field = "rate" if named.get("rate") is not None else "amount"
        return money_merged(current, named, field)

    @override
    def shown(self, parts: Parts, entity: Entity) -> dict[str, Any]:
        facts = entity.latest.facts
        added = ("hours", "rate", "paid_on", "retail_value", "agent_id", "boosts_placement_id")
        later = dict.fromkeys(added)
        days = {"from": facts["serves_from"], "to": facts["serves_to"]}
        return {
            "spread": "equal",
            **later,
            **facts,
            **days,
            "currency": facts["amount"]["currency"],
        }


def _served(body: CostBody, incurred_on: date, campaign: EntityFacts) -> dict[str, str]:
    """Return the days that a cost serves."""
    starts_on, ends_on = (
        date.fromisoformat(text) if (text := campaign.get(name)) is not None else None
        for name in ("starts_on", "ends_on")
    )
    default = default_span(incurred_on, starts_on, ends_on)
    try:
        span = span_of_cost(getattr(body, "from"), body.to, default)
    except SpanReversed as error:
        raise field_problem("to", str(error)) from None
    if body.spread != "equal" and span.days > WEIGHTED_DAYS_MAX:
        message = f"gives {span.days} days; a cost spread by {body.spread} has at most"
        raise field_problem("to", f"{message} {WEIGHTED_DAYS_MAX}")
    return {"serves_from": span.from_on.isoformat(), "serves_to": span.to_on.isoformat()}


def _money(body: CostBody) -> dict[str, Any]:
    """Return amount, rate and retail value as facts, all in one currency."""
    rate = money_facts(body.rate, "rate", body.currency)
    if (body.hours is None) != (rate is None):
        raise field_problem("rate" if rate is None else "hours", "give hours and rate together")
    amount = _amount(body) if rate is None else _of_hours(body, rate)
    gift = money_facts(body.retail_value, "retail_value", str(amount["currency"]))
    for name, money in (("rate", rate), ("amount", amount), ("retail_value", gift)):
        if money is not None and int(money["amount_minor"]) < 0:
            raise field_problem(name, "may not be negative: correct or archive the cost instead")
    return {"amount": amount, "rate": rate, "retail_value": gift}


def _of_hours(body: CostBody, rate: dict[str, int | str]) -> dict[str, int | str]:
    """Return hours times rate, rounded half to even."""
    for name in ("amount", "amount_minor"):
        if getattr(body, name) is not None:
            raise field_problem(name, "give an amount, or hours and rate, not both")
    assert body.hours is not None
    amount_minor = round(Fraction(body.hours) * int(rate["amount_minor"]))
    money = MoneyIn(None, amount_minor, str(rate["currency"]))
    facts = money_facts(money, "rate", None)
    assert facts is not None
    return facts


def _amount(body: CostBody) -> dict[str, int | str]:
    money = body.amount
    if body.amount_minor is not None:
        if money is not None:
            raise field_problem("amount_minor", "give amount or amount_minor, not both")
        if body.currency is None:
            raise field_problem("currency", "is required, such as 'EUR'")
        money = MoneyIn(None, body.amount_minor)
    if money is None:
        raise field_problem("amount", "this field is required")
    facts = money_facts(money, "amount", body.currency)
    assert facts is not None
    return facts


router = catalog_router(Costs(CostBody))
