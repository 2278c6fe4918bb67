"""Reports by API key: `POST /v1/conversions`, `/v1/adjustments` and `/v1/events`.

Promise: 202 only after the fsync. A public key can report conversions and touches, never
adjustments. What can go wrong: a 422 that names the field; a 503 with Retry-After while the journal
refuses events.
"""

from typing import Annotated, Any, Final

from fastapi import Depends, Header, Request

from services.tracking.domain.claims import AdjustmentClaim, AnyClaim, Rejected
from services.tracking.pipeline.accept_events import Intake
from services.tracking.routes.single_event_route import (
    RETRY_KEY_HEADER,
    RETRY_KEY_LENGTH_MAX,
    SingleEventRoute,
)
from services.tracking.wire.event_batch import EVENTS_MAX, item_schemas, read_item, split_array
from services.tracking.wire.event_bodies import (
    AcceptedOut,
    AdjustmentIn,
    BatchOut,
    ConversionIn,
    FlawOut,
    RejectedOut,
)
from shared.events import AnyEvent
from shared.http.auth import Principal, authorize
from shared.http.body import Router
from shared.http.problems import FieldError, Problem, busy_problem

RetryKey = Annotated[
    str | None,
    Header(
        alias=RETRY_KEY_HEADER,
        max_length=RETRY_KEY_LENGTH_MAX,
        description="Identifies the report when its body has no id. "
        "A second report with the same key counts as the same report.",
    ),
]

_BATCH_SCHEMA: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "array",
                    "maxItems": EVENTS_MAX,
                    "items": {"oneOf": item_schemas()},
                },
                "example": [
                    {
                        "type": "visited",
                        "occurred_at": "2026-03-01T11:58:00Z",
                        "page": "https://shop.example/bag",
                        "person": {"visitor_id": "v-7"},
                    },
                    {
                        "type": "identified",
                        "occurred_at": "2026-03-01T11:59:00Z",
                        "person": {"visitor_id": "v-7", "customer_id": "42"},
                    },
                ],
            }
        },
    }
}


def report_events_router(intake: Intake) -> Router:
    """Return the routes of reports by API key."""
    router = Router(tags=["events"])
    router.route_class = SingleEventRoute

    async def lookup(key_hash: bytes) -> Principal | None:
        principal = intake.catalog.principal(key_hash)
        if principal is None and not intake.catalog.is_complete:
            raise busy_problem("the keys are not loaded yet")
        return principal

    require = authorize(lookup)
    collector = Depends(require("collect"))
    tracker = Depends(require("track"))

    @router.post("/v1/conversions", status_code=202, summary="Report a conversion")
    async def convert(
        body: ConversionIn, principal: Annotated[Principal, collector], retry_key: RetryKey = None
    ) -> AcceptedOut:
        return await _accept(intake, body.claim(), principal, retry_key)

    @router.post("/v1/adjustments", status_code=202, summary="Report an adjustment of an order")
    async def adjust(
        body: AdjustmentIn, principal: Annotated[Principal, tracker], retry_key: RetryKey = None
    ) -> AcceptedOut:
        return await _accept(intake, body.claim(), principal, retry_key)

    @router.post(
        "/v1/events", status_code=202, summary="Report events", openapi_extra=_BATCH_SCHEMA
    )
    async def batch(
        request: Request, principal: Annotated[Principal, collector], retry_key: RetryKey = None
    ) -> BatchOut:
        items = split_array(await request.body())
        events, rejected = _batch_events(intake, items, principal, retry_key)
        await intake.store(events)
        return BatchOut(accepted=len(events), rejected=rejected)

    return router


async def _accept(
    intake: Intake, claim: AnyClaim, principal: Principal, retry_key: str | None
) -> AcceptedOut:
    event = event_of_claim(intake, claim, principal, retry_key)
    await intake.store([event])
    return AcceptedOut(event_id=event.event_id)


def event_of_claim(
    intake: Intake, claim: AnyClaim, principal: Principal, retry_key: str | None
) -> AnyEvent:
    """Return the event of a claim. Raises the 422 that names its wrong fields."""
    if principal.public and isinstance(claim, AdjustmentClaim):
        raise Problem(
            422, None, "", [FieldError("type", "an adjustment needs a secret key with scope track")]
        )
    event = intake.to_event(claim, intake.caller(principal, retry_key))
    if isinstance(event, Rejected):
        raise Problem(422, None, "", [FieldError(f.field, f.message) for f in event.flaws])
    return event


def _batch_events(
    intake: Intake, items: list[bytes], principal: Principal, retry_key: str | None
) -> tuple[list[AnyEvent], list[RejectedOut]]:
    events: list[AnyEvent] = []
    rejected: list[RejectedOut] = []
    for index, raw in enumerate(items):
        type_name = "unread"
        try:
            type_name, claim = read_item(raw)
            key = None if retry_key is None else f"{retry_key}#{index}"
            events.append(event_of_claim(intake, claim, principal, key))
        except Problem as problem:
            intake.count_rejected(type_name)
            rejected.append(RejectedOut(index=index, errors=_flaws(problem)))
    return events, rejected


def _flaws(problem: Problem) -> list[FlawOut]:
    if not problem.errors:
        return [FlawOut(field="event", message=str(problem.detail))]
    return [FlawOut(field=error.field, message=error.message) for error in problem.errors]
