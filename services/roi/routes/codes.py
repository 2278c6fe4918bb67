"""/v1/codes: discount codes. Each object has one owner in one period.

Objects with the same text may overlap in time; the code is then shared by their owners.
"""

from typing import Any, ClassVar

from typing_extensions import override

from services.roi.domain.entity import Entity, EntityFacts, Version
from services.roi.routes.catalog_calls import catalog_router
from services.roi.routes.parts import Parts
from services.roi.routes.resource import Example, Resource, Work, plain_facts
from services.roi.wire.link_shapes import CodeAnswer, CodeBody
from shared.api.openapi import EXAMPLE_EXTERNAL_ID, example_id
from shared.http.problems import field_problem


class Codes(Resource[CodeBody]):
    """Codes as a resource."""

    kind = "code"
    path = "/v1/codes"
    answer = CodeAnswer
    example: ClassVar[Example] = {
        "external_id": EXAMPLE_EXTERNAL_ID,
        "code": "MIA10",
        "creator_id": example_id("creator"),
        "placement_id": example_id("placement"),
        "valid_from": "2026-02-01T00:00:00Z",
    }
    correction: ClassVar[Example] = {"valid_to": "2026-12-31T23:00:00Z"}
    patch_means = (
        "Another owner changes the past, too: from the object's `valid_from` to its `valid_to`. To"
        " give the code to another creator from a date on, set `valid_to` to that date here and"
        " create a code with the same text that begins then."
    )

    @override
    async def draft(self, work: Work, body: CodeBody, current: EntityFacts | None) -> Version:
        if body.valid_from and body.valid_to and body.valid_to <= body.valid_from:
            raise field_problem("valid_to", "must be after valid_from")
        await work.referred("creator_id", "creator", body.creator_id)
        if body.placement_id is not None:
            placement = await work.referred("placement_id", "placement", body.placement_id)
            if placement.latest.facts["creator_id"] != body.creator_id:
                raise field_problem("placement_id", "is a placement of another creator")
        return Version(plain_facts(body), body.valid_from, body.valid_to)

    @override
    def shown(self, parts: Parts, entity: Entity) -> dict[str, Any]:
        row = entity.latest
        return {**row.facts, "valid_from": row.valid_from, "valid_to": row.valid_to}


router = catalog_router(Codes(CodeBody))
