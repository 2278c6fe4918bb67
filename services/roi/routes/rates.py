"""/v1/rates: exchange rates by day, and what an impression, a like or a lead is deemed worth.

Rates are not on the log, because only roi uses them. An exchange rate is of its currency into the
workspace's; a workspace that changes its currency needs rates into the new one. Value rates make
the layer `assumed` of the funnel, and no other figure.

Promise: after a correction or an archiving, `as_of` still answers with the former rate.
"""

from typing import Any, ClassVar

from typing_extensions import override

from services.roi.domain.entity import Entity, EntityFacts, Version
from services.roi.routes.catalog_calls import catalog_router
from services.roi.routes.parts import Parts
from services.roi.routes.resource import Example, Resource, Work, plain_facts
from services.roi.wire.rate_shapes import VALUE_DECIMALS_MAX, RateAnswer, RateBody
from shared.api.openapi import EXAMPLE_EXTERNAL_ID
from shared.http.problems import field_problem
from shared.money import MoneyError, exponent


class Rates(Resource[RateBody]):
    """Rates as a resource."""

    kind = "rate"
    path = "/v1/rates"
    answer = RateAnswer
    example: ClassVar[Example] = {
        "external_id": EXAMPLE_EXTERNAL_ID,
        "kind": "exchange",
        "currency": "USD",
        "amount": "0.9213",
        "valid_from": "2026-03-01",
    }
    correction: ClassVar[Example] = {"amount": "0.9214"}

    @override
    async def draft(self, work: Work, body: RateBody, current: EntityFacts | None) -> Version:
        base = str((await work.workspace_facts())["currency"])
        if current is not None and current["kind"] == body.kind == "exchange":
            base = current["into"]
        facts = plain_facts(body) | {"valid_from": body.valid_from.isoformat()}
        currency = _currency(body, base)
        if body.kind == "exchange":
            _check_exchange(body, currency, base)
            into: str | None = base
        else:
            _check_value(body)
            into = None
        held = {"currency": currency, "into": into, "amount": f"{body.amount.normalize():f}"}
        return Version(facts | held)

    @override
    def restated(self, parts: Parts, entity_id: str, row: Version) -> dict[str, Any]:
        kept = super().restated(parts, entity_id, row)
        return kept | {"valid_from": row.facts["valid_from"]}

    @override
    def shown(self, parts: Parts, entity: Entity) -> dict[str, Any]:
        return {**entity.latest.facts}


def _currency(body: RateBody, base: str) -> str:
    if body.currency is None and body.kind == "exchange":
        raise field_problem("currency", "is required, such as 'USD'")
    currency = body.currency or base
    try:
        exponent(currency)
    except MoneyError as error:
        raise field_problem("currency", str(error)) from None
    return currency


def _check_exchange(body: RateBody, currency: str, base: str) -> None:
    if currency == base:
        raise field_problem("currency", f"is the workspace's own, which is 1 {base} at any time")
    for name in ("per", "platform"):
        if getattr(body, name) is not None:
            raise field_problem(name, "belongs to a value rate")


def _check_value(body: RateBody) -> None:
    if body.per is None:
        raise field_problem("per", "is required, such as 'impression'")
    if body.amount != round(body.amount, VALUE_DECIMALS_MAX):
        raise field_problem("amount", f"has more than {VALUE_DECIMALS_MAX} decimals")


router = catalog_router(Rates(RateBody))
