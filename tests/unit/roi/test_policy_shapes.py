"""A policy field is defined once: in the catalog record. Everything else follows from it."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final

import pytest
from fastapi import FastAPI
from msgspec import Meta
from pydantic import ValidationError

from services.roi.domain.entity import Entity, Version
from services.roi.domain.records import policy_record
from services.roi.routes.catalog_calls import catalog_router
from services.roi.routes.policies import Policies
from services.roi.wire.policy_shapes import SHAPES, policy_shapes
from shared.catalog import Policy

NOON: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
_DAYS = Annotated[int, Meta(ge=0, le=9, description="Days of patience.")]


class PatientPolicy(Policy, frozen=True, kw_only=True, tag="policy"):
    """A policy with two made-up fields."""

    patience_days: _DAYS = 3
    rebate_millionths: Annotated[
        int, Meta(ge=0, le=1_000_000, description="A share from 0 to 1, exact to six decimals.")
    ] = 250_000


def entity_of(facts: dict[str, Any]) -> Entity:
    ident = "01900000-0000-7000-8000-000000000001"
    return Entity(ident, ident, "policy", None, NOON, 1, NOON, None, (Version(facts, NOON),))


def test_a_made_up_field_is_in_body_record_answer_and_document() -> None:
    shapes = policy_shapes(PatientPolicy)
    body = shapes.body.model_validate({"patience_days": 5, "rebate": "0.5"})
    facts = shapes.facts(body)
    assert (facts["patience_days"], facts["rebate_millionths"]) == (5, 500_000)
    entity = entity_of(facts)
    common = {"workspace_id": entity.id, "id": entity.id, "revision": 1, "recorded_at": NOON}
    record = policy_record(entity, common, PatientPolicy)
    assert isinstance(record, PatientPolicy)
    assert (record.patience_days, record.rebate_millionths, record.valid_from) == (5, 500_000, NOON)

    shown = shapes.shown(facts) | {"valid_from": NOON, "id": entity.id, "created_at": NOON}
    answer = shapes.answer.model_validate(shown).model_dump(mode="json")
    assert (answer["patience_days"], answer["rebate"]) == (5, 0.5)

    app = FastAPI()
    app.include_router(catalog_router(Policies(shapes)))
    schemas = app.openapi()["components"]["schemas"]
    for name in ("PolicyBody", "PolicyPatch", "PolicyAnswer"):
        assert {"patience_days", "rebate", "margin", "stages"} <= set(schemas[name]["properties"])
    field = schemas["PolicyBody"]["properties"]["patience_days"]
    assert (field["default"], field["maximum"], field["description"]) == (3, 9, "Days of patience.")


def test_the_bounds_of_the_record_bind_the_body() -> None:
    body = policy_shapes(PatientPolicy).body
    for wrong in (10, -1, True, "3"):
        with pytest.raises(ValidationError):
            body.model_validate({"patience_days": wrong})


def test_facts_stored_before_a_field_existed_have_its_default() -> None:
    assert SHAPES.shown({"margin_millionths": 400_000}) == {
        "margin": 0.4,
        "windows_days": {"click": 30, "view": 0, "referral": 30, "survey": 30},
        "precedence": "code_wins",
        "models": ["first", "last", "linear"],
        "stages": {},
        "kpis": {},
        "retention_days": 365,
        "survey": "fallback",
        "zero_value_orders": "ignore",
    }


def test_a_policy_may_have_no_margin() -> None:
    assert SHAPES.facts(SHAPES.body.model_validate({"margin": "1"}))["margin_millionths"] == 10**6
    assert SHAPES.facts(SHAPES.body.model_validate({"margin": None}))["margin_millionths"] is None
    assert SHAPES.shown({"margin_millionths": None})["margin"] is None


def test_an_empty_body_is_the_default_policy() -> None:
    facts = SHAPES.facts(SHAPES.body.model_validate({}))
    assert facts["margin_millionths"] is None
    entity = entity_of(facts)
    common = {"workspace_id": entity.id, "id": entity.id, "revision": 1, "recorded_at": NOON}
    expected = Policy(
        workspace_id=entity.id, id=entity.id, revision=1, recorded_at=NOON, valid_from=NOON
    )
    assert policy_record(entity, common) == expected
