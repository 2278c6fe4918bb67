"""/v1/policies: the rules for conversions from a moment on. Writing needs the scope `admin`."""

from typing import Any, ClassVar

from pydantic import BaseModel
from typing_extensions import override

from services.roi.answers.funnel.kpis import check_kpis
from services.roi.answers.metrics.engagement_rate import BY_VIEWS
from services.roi.domain.entity import Entity, EntityFacts, Version
from services.roi.routes.catalog_calls import catalog_router
from services.roi.routes.parts import Parts
from services.roi.routes.resource import Example, Resource, Work
from services.roi.wire.fields import Named
from services.roi.wire.policy_shapes import SHAPES, PolicyShapes
from shared.api.openapi import EXAMPLE_EXTERNAL_ID
from shared.models import DEFAULT_MODELS


class Policies(Resource[Named]):
    """Policies as a resource. Their fields are those of the catalog record."""

    kind = "policy"
    path = "/v1/policies"
    example: ClassVar[Example] = {
        "external_id": EXAMPLE_EXTERNAL_ID,
        "valid_from": "2026-01-01T00:00:00Z",
        "margin": "0.4",
        "windows_days": {"click": 30},
        "precedence": "code_wins",
        "models": list(DEFAULT_MODELS),
        "stages": {"later_purchase": "retention"},
        "kpis": {"engagement": [BY_VIEWS.id]},
        "zero_value_orders": "ignore",
    }
    correction: ClassVar[Example] = {"margin": "0.35"}
    write_scope = "admin"

    def __init__(self, shapes: PolicyShapes = SHAPES) -> None:
        super().__init__(shapes.body)
        self._shapes = shapes
        self.answer = shapes.answer  # type: ignore[misc] # made from the record, like the body

    @override
    async def draft(self, work: Work, body: Named, current: EntityFacts | None) -> Version:
        facts = self._shapes.facts(body)
        check_kpis(facts["kpis"])
        return Version(facts, getattr(body, "valid_from"))  # noqa: B009 - a field that mypy cannot see

    @override
    def restated(self, parts: Parts, entity_id: str, row: Version) -> dict[str, Any]:
        return {**self._shapes.shown(row.facts), "valid_from": row.valid_from}

    @override
    def merged(self, current: dict[str, Any], named: dict[str, Any]) -> dict[str, Any]:
        # In a field that is itself a model (the windows) only the named fields change.
        parts = {
            name: current[name] | value.model_dump(include=value.model_fields_set)
            for name, value in named.items()
            if isinstance(value, BaseModel)
        }
        return current | named | parts

    @override
    def shown(self, parts: Parts, entity: Entity) -> dict[str, Any]:
        return self.restated(parts, entity.id, entity.latest)


router = catalog_router(Policies())
