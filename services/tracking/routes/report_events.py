"""Reports by API key: `POST /v1/conversions`, `/v1/adjustments`, `/v1/events` and `/v1/social`.

Promise: 202 only after the fsync. A public key can report conversions and touches, never
adjustments or social counts. What can go wrong: a 422 that names the field; a 503 with Retry-After
while the journal refuses events; a 429 with Retry-After when the key or its workspace has used up a
quota.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import Depends, Header, Request

from services.tracking.domain.claims import (
    AdjustmentClaim,
    ConversionClaim,
    Rejected,
    Report,
    SocialClaim,
)
from services.tracking.pipeline.accept_events import Intake
from services.tracking.routes.parts import Parts, authorized
from services.tracking.routes.single_event_route import (
    RETRY_KEY_HEADER,
    RETRY_KEY_LENGTH_MAX,
    SingleEventRoute,
)
from services.tracking.store.journal import ShareUsedUp
from services.tracking.store.quotas import Counted
from services.tracking.wire.answer_bodies import AcceptedOut, BatchOut, FlawOut, RejectedOut
from services.tracking.wire.event_batch import (
    EVENTS_MAX,
    item_schemas,
    read_item,
    read_social,
    social_schema,
    split_array,
)
from services.tracking.wire.event_bodies import AdjustmentIn, ConversionIn
from shared.api.openapi import example_id, problems
from shared.concurrency import yield_control
from shared.events import AnyEvent
from shared.http.auth import Principal
from shared.http.body import Router
from shared.http.problems import (
    RETRY_AFTER_SECONDS,
    FieldError,
    Problem,
    busy_problem,
    field_problem,
)

RetryKey = Annotated[
    str | None,
    Header(
        alias=RETRY_KEY_HEADER,
        max_length=RETRY_KEY_LENGTH_MAX,
        description="Identifies the report when its body has no id. "
        "A second report with the same key counts as the same report.",
    ),
]

# Other requests run after so much of a batch: 16 KiB of JSON take 5 ms at most. An item counts as
# 2 KiB at least, because to classify one user agent takes up to 1 ms.
SLICE_BYTES: Final = 16 * 1024
ITEM_BYTES: Final = 2 * 1024

# What no page may report.
_SECRET_ONLY: Final = (AdjustmentClaim, SocialClaim)
# Reads one item of an array: its type and its claim.
ItemReader = Callable[[bytes], tuple[str, Report]]


def _array_of(items: dict[str, Any], example: list[dict[str, Any]]) -> dict[str, Any]:
    schema = {"type": "array", "maxItems": EVENTS_MAX, "items": items}
    content = {"application/json": {"schema": schema, "example": example}}
    return {"requestBody": {"required": True, "content": content}}


_BATCH_SCHEMA: Final = _array_of(
    {"oneOf": item_schemas()},
    [
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
)
_SOCIAL_SCHEMA: Final = _array_of(
    social_schema(),
    [
        {
            "placement_id": example_id("placement"),
            "as_of": "2026-03-02T09:00:00Z",
            "source": "Instagram",
            "quality": "observed",
            "views": 12_500,
            "likes": 830,
            "comments": 41,
        }
    ],
)


def router_of(parts: Parts) -> Router:
    """Return the routes of reports by API key."""
    router = Router(tags=["events"], responses=problems(429))
    router.route_class = SingleEventRoute

    intake, require = parts.intake, authorized(parts.intake)
    collector = Depends(require("collect"))
    # One batch is worked at a time, so that many batches delay a redirect by one slice only.
    turn = asyncio.Lock()
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
        caller = _BatchCaller(read_item, principal, retry_key)
        return await _take(intake, turn, await request.body(), caller)

    @router.post(
        "/v1/social",
        status_code=202,
        summary="Report the counts of placements",
        openapi_extra=_SOCIAL_SCHEMA,
    )
    async def social(
        request: Request, principal: Annotated[Principal, tracker], retry_key: RetryKey = None
    ) -> BatchOut:
        """Take the counts so far of placements, as of a time.

        A count that is left out is missing and not 0. The same report twice is one report. A
        report with other counts for the same placement, source and time replaces the one before.
        """
        caller = _BatchCaller(read_social, principal, retry_key)
        return await _take(intake, turn, await request.body(), caller)

    return router


@dataclass(frozen=True, slots=True)
class _BatchCaller:
    """Who sends an array, and how its items are read."""

    read: ItemReader
    principal: Principal
    retry_key: str | None


async def _take(intake: Intake, turn: asyncio.Lock, body: bytes, caller: _BatchCaller) -> BatchOut:
    """Store the right items of an array, and return what became of it."""
    items = split_array(body)
    if len(items) > 1:  # the first one was counted with the key
        intake.quotas.take(Counted.EVENTS, caller.principal, len(items) - 1)
    async with turn:
        events, rejected = await _batch_events(intake, items, caller)
    await _store(intake, events)
    return BatchOut(accepted=len(events), rejected=rejected)


async def _accept(
    intake: Intake, claim: Report, principal: Principal, retry_key: str | None
) -> AcceptedOut:
    event = event_of_claim(intake, claim, principal, retry_key)
    await _store(intake, [event])
    return AcceptedOut(event_id=event.event_id)


async def _store(intake: Intake, events: list[AnyEvent]) -> None:
    try:
        await intake.store(events)
    except ShareUsedUp as error:
        raise Problem(
            429, None, str(error), (), {"Retry-After": str(RETRY_AFTER_SECONDS)}
        ) from None


def event_of_claim(
    intake: Intake, claim: Report, principal: Principal, retry_key: str | None
) -> AnyEvent:
    """Return the event of a claim. Raises the 422 that names its wrong fields, or a 429."""
    if principal.public and isinstance(claim, _SECRET_ONLY):
        raise field_problem("type", "needs a secret key with scope track")
    if principal.public and isinstance(claim, ConversionClaim):
        intake.quotas.take(Counted.CLAIMS, principal)
    event = intake.to_event(claim, intake.caller(principal, retry_key))
    if isinstance(event, Rejected):
        if not intake.catalog.is_complete:
            raise busy_problem("the catalog is not loaded yet")
        raise Problem(422, None, "", [FieldError(f.field, f.message) for f in event.flaws])
    return event


async def _batch_events(
    intake: Intake, items: list[bytes], caller: _BatchCaller
) -> tuple[list[AnyEvent], list[RejectedOut]]:
    """Return the events of a batch and its rejected items. Other requests run between slices."""
    events: list[AnyEvent] = []
    rejected: list[RejectedOut] = []
    slice_bytes = 0
    for index, raw in enumerate(items):
        slice_bytes += max(len(raw), ITEM_BYTES)
        if slice_bytes > SLICE_BYTES:
            await yield_control()
            slice_bytes = 0
        type_name = "unread"
        try:
            type_name, claim = caller.read(raw)
            key = None if caller.retry_key is None else f"{caller.retry_key}#{index}"
            events.append(event_of_claim(intake, claim, caller.principal, key))
        except Problem as problem:
            if problem.status == 429:
                raise  # a used-up quota refuses the whole batch
            intake.count_rejected(type_name)
            rejected.append(RejectedOut(index=index, errors=_flaws(problem)))
    return events, rejected


def _flaws(problem: Problem) -> list[FlawOut]:
    if not problem.errors:
        return [FlawOut(field="event", message=str(problem.detail))]
    return [FlawOut(field=error.field, message=error.message) for error in problem.errors]
