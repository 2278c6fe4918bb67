"""/v1/costs: money spent on a day for exactly one placement, creator or campaign.

Costs are not on the log, because only roi uses them.

Promise: the day is a local day of the workspace. After a correction or an archiving, `as_of` still
answers with the former cost.
"""

from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from typing_extensions import override

from services.roi.domain.entity import Entity, EntityFacts, Version
from services.roi.routes.catalog_calls import catalog_router
from services.roi.routes.money import money_facts, money_merged, money_restated
from services.roi.routes.parts import Parts
from services.roi.routes.resource import (
    Example,
    Resource,
    Work,
    check_one_of,
    keep_one_of,
    plain_facts,
)
from services.roi.wire.cost_shapes import CostAnswer, CostBody
from shared.api.openapi import EXAMPLE_EXTERNAL_ID, example_id
from shared.api.shapes import MoneyIn
from shared.http.problems import field_problem

_OWNERS = ("placement_id", "creator_id", "campaign_id")


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
        "incurred_on": "2026-03-01",
    }
    correction: ClassVar[Example] = {"amount": "25.00"}

    @override
    async def draft(self, work: Work, body: CostBody, current: EntityFacts | None) -> Version:
        check_one_of(body, *_OWNERS)
        await self._check_owner(work, body)
        facts = plain_facts(body, "amount", "amount_minor", "currency")
        if body.incurred_on is None:
            facts["incurred_on"] = await self._today(work)
        return Version(facts | {"amount": _amount(body)})

    async def _check_owner(self, work: Work, body: CostBody) -> None:
        if body.placement_id is not None:
            await work.referred("placement_id", "placement", body.placement_id)
        if body.creator_id is not None:
            await work.referred("creator_id", "creator", body.creator_id)
        if body.campaign_id is not None:
            await work.referred("campaign_id", "campaign", body.campaign_id)

    async def _today(self, work: Work) -> str:
        zone = ZoneInfo((await work.workspace_facts())["time_zone"])
        return work.parts.clock.now().astimezone(zone).date().isoformat()

    @override
    def restated(self, parts: Parts, entity_id: str, row: Version) -> dict[str, Any]:
        amount = money_restated(row.facts["amount"], "amount")
        return super().restated(parts, entity_id, row) | amount

    @override
    def merged(self, current: dict[str, Any], named: dict[str, Any]) -> dict[str, Any]:
        if "amount_minor" in named and "amount" not in named:
            current = current | {"amount": None}
        return money_merged(keep_one_of(current, named, _OWNERS), named, "amount")

    @override
    def shown(self, parts: Parts, entity: Entity) -> dict[str, Any]:
        facts = entity.latest.facts
        return {**facts, "currency": facts["amount"]["currency"]}


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
    if int(facts["amount_minor"]) < 0:
        raise field_problem("amount", "may not be negative: correct or archive the cost instead")
    return facts


router = catalog_router(Costs(CostBody))
