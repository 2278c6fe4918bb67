"""/v1/creators: influencers, each with one automatic placement without a campaign.

Promise: the automatic placement is created, archived and restored with its creator, in the same
transaction.
"""

from typing import Any, ClassVar

from typing_extensions import override

from services.roi.domain.entity import Entity, EntityFacts, Version
from services.roi.routes.catalog_calls import catalog_router
from services.roi.routes.parts import Parts
from services.roi.routes.resource import Example, Resource, Work, plain_facts
from services.roi.wire.people import CreatorAnswer, CreatorBody
from shared.api.openapi import EXAMPLE_EXTERNAL_ID
from shared.ids import automatic_placement_id


class Creators(Resource[CreatorBody]):
    """Creators as a resource."""

    kind = "creator"
    path = "/v1/creators"
    answer = CreatorAnswer
    example: ClassVar[Example] = {
        "external_id": EXAMPLE_EXTERNAL_ID,
        "name": "Mia",
        "handle": "@mia",
        "platform_accounts": [{"platform": "instagram", "handle": "@mia", "followers": 48000}],
        "country": "DE",
        "topics": ["bags"],
    }
    correction: ClassVar[Example] = {"handle": "@mia.official"}

    @override
    async def draft(self, work: Work, body: CreatorBody, current: EntityFacts | None) -> Version:
        return Version(plain_facts(body))

    @override
    def shown(self, parts: Parts, entity: Entity) -> dict[str, Any]:
        own = automatic_placement_id(entity.workspace_id, entity.id)
        return {**entity.latest.facts, "automatic_placement_id": own}

    @override
    async def saved(self, work: Work, entity: Entity, *, is_new: bool) -> None:
        placement_id = automatic_placement_id(entity.workspace_id, entity.id)
        # The id follows from that of the creator: a new creator has none.
        placement = None if is_new else await work.writer.find("placement", placement_id)
        if placement is None:
            row = Version(automatic_placement_facts(entity.id))
            placement = await work.writer.create("placement", placement_id, (row,))
        elif placement.archived_at != entity.archived_at:
            await work.writer.change(placement, archived_at=entity.archived_at)


def automatic_placement_facts(creator_id: str) -> EntityFacts:
    """Return the facts of a creator's automatic ("always on") placement."""
    return {
        "creator_id": creator_id,
        "campaign_id": None,
        "platform": None,
        "content_type": None,
        "length_seconds": None,
        "format": None,
        "planned_at": None,
        "published_at": None,
        "url": None,
        "cta": None,
        "topics": [],
        "is_brand": False,
        "automatic": True,
    }


router = catalog_router(Creators(CreatorBody))
