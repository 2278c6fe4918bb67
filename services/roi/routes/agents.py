"""/v1/agents: who represents creators. A cost may name the agent that it was paid to.

Agents are not on the log, because only roi uses them.
"""

from typing import Any, ClassVar

from typing_extensions import override

from services.roi.domain.entity import Entity, EntityFacts, Version
from services.roi.routes.catalog_calls import catalog_router
from services.roi.routes.parts import Parts
from services.roi.routes.resource import Example, Resource, Work, plain_facts
from services.roi.wire.agents import AgentAnswer, AgentBody
from shared.api.openapi import EXAMPLE_EXTERNAL_ID


class Agents(Resource[AgentBody]):
    """Agents as a resource."""

    kind = "agent"
    path = "/v1/agents"
    answer = AgentAnswer
    example: ClassVar[Example] = {"external_id": EXAMPLE_EXTERNAL_ID, "name": "North Talent"}
    correction: ClassVar[Example] = {"name": "North Talent Berlin"}

    @override
    async def draft(self, work: Work, body: AgentBody, current: EntityFacts | None) -> Version:
        return Version(plain_facts(body))

    @override
    def shown(self, parts: Parts, entity: Entity) -> dict[str, Any]:
        return {**entity.latest.facts}


router = catalog_router(Agents(AgentBody))
