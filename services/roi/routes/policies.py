"""/v1/policies: the rules that bind conversions from a moment on. Changing them needs the scope `admin`."""

from fractions import Fraction
from typing import Any, ClassVar

from typing_extensions import override

from services.roi.domain.entity import Entity, Facts, Version
from services.roi.routes.catalog_calls import catalog_router
from services.roi.routes.parts import Parts
from services.roi.routes.resource import Example, Resource, Work, plain_facts
from services.roi.wire.rules import MILLIONTHS, PolicyAnswer, PolicyBody
from shared.http.openapi import EXAMPLE_EXTERNAL_ID
from shared.models import DEFAULT_MODELS


class Policies(Resource[PolicyBody]):
    """Policies as a resource."""

    kind = "policy"
    path = "/v1/policies"
    answer = PolicyAnswer
    example: ClassVar[Example] = {
        "external_id": EXAMPLE_EXTERNAL_ID,
        "valid_from": "2026-01-01T00:00:00Z",
        "margin": "0.4",
        "windows_days": {"click": 30},
        "precedence": "code_wins",
        "models": list(DEFAULT_MODELS),
    }
    correction: ClassVar[Example] = {"margin": "0.35"}
    write_scope = "admin"

    @override
    async def draft(self, work: Work, body: PolicyBody, current: Facts | None) -> Version:
        margin_millionths = int(body.margin * MILLIONTHS)
        facts = plain_facts(body, "margin") | {"margin_millionths": margin_millionths}
        return Version(facts, body.valid_from)

    @override
    def restated(self, parts: Parts, entity_id: str, row: Version) -> dict[str, Any]:
        return super().restated(parts, entity_id, row) | {"margin": _margin(row.facts)}

    @override
    def merged(self, current: dict[str, Any], named: dict[str, Any]) -> dict[str, Any]:
        windows = named.get("windows_days")
        if windows is not None:
            # Only the windows that were named: the others keep what they were corrected to before.
            given = windows.model_dump(include=windows.model_fields_set)
            named = named | {"windows_days": current["windows_days"] | given}
        return current | named

    @override
    def shown(self, parts: Parts, entity: Entity) -> dict[str, Any]:
        row = entity.latest
        return {**row.facts, "valid_from": row.valid_from, "margin": _margin(row.facts)}


def _margin(facts: Facts) -> float:
    return float(Fraction(facts["margin_millionths"], MILLIONTHS))


router = catalog_router(Policies(PolicyBody))
