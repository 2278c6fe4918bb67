"""/v1/campaigns: campaigns with an objective, a period and a budget."""

from typing import Any, ClassVar

from typing_extensions import override

from services.roi.domain.entity import Entity, EntityFacts, Version
from services.roi.routes.catalog_calls import catalog_router
from services.roi.routes.money import money_facts, money_merged, money_restated
from services.roi.routes.parts import Parts
from services.roi.routes.resource import Example, Resource, Work, plain_facts
from services.roi.wire.people import CampaignAnswer, CampaignBody
from shared.api.openapi import EXAMPLE_EXTERNAL_ID
from shared.http.problems import field_problem


class Campaigns(Resource[CampaignBody]):
    """Campaigns as a resource."""

    kind = "campaign"
    path = "/v1/campaigns"
    answer = CampaignAnswer
    example: ClassVar[Example] = {
        "external_id": EXAMPLE_EXTERNAL_ID,
        "name": "Spring",
        "objective": "sales",
        "starts_on": "2026-03-01",
        "ends_on": "2026-05-31",
        "budget": "5000.00",
        "currency": "EUR",
    }
    correction: ClassVar[Example] = {"ends_on": "2026-06-30"}

    @override
    async def draft(self, work: Work, body: CampaignBody, current: EntityFacts | None) -> Version:
        if body.starts_on and body.ends_on and body.ends_on < body.starts_on:
            raise field_problem("ends_on", "is before starts_on")
        currency = body.currency
        if body.budget is not None and body.budget.currency is None and currency is None:
            currency = (await work.workspace_facts())["currency"]
        budget = money_facts(body.budget, "budget", currency)
        if budget is not None and int(budget["amount_minor"]) < 0:
            raise field_problem("budget", "may not be negative")
        return Version(plain_facts(body, "budget", "currency") | {"budget": budget})

    @override
    def restated(self, parts: Parts, entity_id: str, row: Version) -> dict[str, Any]:
        budget = money_restated(row.facts["budget"], "budget")
        return super().restated(parts, entity_id, row) | budget

    @override
    def merged(self, current: dict[str, Any], named: dict[str, Any]) -> dict[str, Any]:
        return money_merged(current, named, "budget")

    @override
    def shown(self, parts: Parts, entity: Entity) -> dict[str, Any]:
        return {**entity.latest.facts}


router = catalog_router(Campaigns(CampaignBody))
