"""/v1/placements: one piece of content by one creator in one campaign on one platform.

Promise: a placement belongs to a creator or to the brand, never to both. Its owner cannot change
from a date on: a correction also changes the past. A creator's automatic placement is shown here
and cannot be changed.
What can go wrong: 422 for a `valid_from`, 409 for an automatic placement.
"""

from typing import Any, ClassVar

from typing_extensions import override

from services.roi.domain.entity import Entity, EntityFacts, Version
from services.roi.routes.catalog_calls import catalog_router
from services.roi.routes.parts import Parts
from services.roi.routes.resource import Example, Resource, Work, plain_facts
from services.roi.wire.people import NeverDated, PlacementAnswer, PlacementBody
from shared.api.openapi import EXAMPLE_EXTERNAL_ID, example_id
from shared.http.problems import Problem, field_problem


class Placements(Resource[PlacementBody]):
    """Placements as a resource."""

    kind = "placement"
    path = "/v1/placements"
    answer = PlacementAnswer
    example: ClassVar[Example] = {
        "external_id": EXAMPLE_EXTERNAL_ID,
        "creator_id": example_id("creator"),
        "campaign_id": example_id("campaign"),
        "platform": "instagram",
        "content_type": "reel",
        "length_seconds": 30,
        "published_at": "2026-03-01T09:00:00Z",
        "url": "https://instagram.example/reel/1",
    }
    correction: ClassVar[Example] = {"cta": "See the bag"}
    patch_valid_from = NeverDated
    patch_means = (
        "A correction holds for all times: another creator or campaign also changes the past. The"
        " owner of a placement cannot change from a date on (`valid_from` is refused): create a new"
        " placement and give its link or code to it."
    )

    @override
    async def draft(self, work: Work, body: PlacementBody, current: EntityFacts | None) -> Version:
        if body.is_brand and body.creator_id is not None:
            raise field_problem("creator_id", "the brand's own content has no creator")
        if not body.is_brand and body.creator_id is None:
            raise field_problem("creator_id", "this field is required unless is_brand is true")
        if body.creator_id is not None:
            await work.referred("creator_id", "creator", body.creator_id)
        if body.campaign_id is not None:
            await work.referred("campaign_id", "campaign", body.campaign_id)
        return Version(plain_facts(body) | {"automatic": False})

    @override
    def guard(self, entity: Entity) -> None:
        if entity.latest.facts["automatic"]:
            raise Problem(409, None, "an automatic placement follows its creator")

    @override
    def merged(self, current: dict[str, Any], named: dict[str, Any]) -> dict[str, Any]:
        if named.get("is_brand") is True and "creator_id" not in named:
            current = current | {"creator_id": None}
        if named.get("creator_id") is not None and "is_brand" not in named:
            current = current | {"is_brand": False}
        return current | named

    @override
    def shown(self, parts: Parts, entity: Entity) -> dict[str, Any]:
        return {**entity.latest.facts}


router = catalog_router(Placements(PlacementBody))
