"""A sample app for the tests of the HTTP base, with a route for each thing a service does."""

from typing import Annotated, Any

import httpx
from fastapi import Depends, FastAPI, Query, Request
from pydantic import Field

from shared.api.app import create_app
from shared.api.shapes import (
    Currency,
    ListParameters,
    Moment,
    MoneyIn,
    MoneyOut,
    Page,
    StrictModel,
    decode_cursor,
    encode_cursor,
)
from shared.errors import Transient
from shared.http.auth import Principal, authorize, key_hash
from shared.http.body import Router
from shared.http.health import Health
from shared.http.problems import PROBLEM_MEDIA_TYPE, Problem
from shared.telemetry import Telemetry

LIMIT_BYTES = 4_096
READER, ADMIN, PAGE = (
    f"lrl_sec_{name}_{'x' * 32}" for name in ("readread", "adminadm", "pagepage")
)
KEYS = {
    key_hash(READER): Principal("w", "k1", frozenset({"read"})),
    key_hash(ADMIN): Principal("w", "k2", frozenset({"admin"})),
    key_hash(PAGE): Principal("w", "k3", frozenset({"read"}), True, ("https://shop.example",)),
}


class Order(StrictModel):
    """A body with the usual fields."""

    order_id: str = Field(max_length=64)
    net: MoneyIn | None = None
    currency: Currency | None = None
    occurred_at: Moment | None = None
    quantity: int = 1
    extra: dict[str, Any] | None = None


def bodies() -> Router:
    """Return routes with a body or parameters."""
    router = Router()

    @router.post("/orders", status_code=201)
    async def orders(order: Order) -> MoneyOut | None:
        if order.net is None:
            return None
        amount_minor, currency = order.net.minor("net", order.currency)
        return MoneyOut(amount_minor=amount_minor, currency=currency)

    @router.post("/raw")
    async def raw(request: Request) -> int:
        return len(await request.body())

    @router.get("/list")
    async def listed(parameters: Annotated[ListParameters, Query()]) -> Page[int]:
        start = 0
        if parameters.cursor is not None:
            (start,) = decode_cursor(parameters.cursor, [int])
        return Page(items=[start + 1], next_cursor=encode_cursor(start + 1) if start < 2 else None)

    return router


def guarded_routes() -> Router:
    """Return routes that need a key."""
    router = Router()

    async def lookup(digest: bytes) -> Principal | None:
        return KEYS.get(digest)

    require = authorize(lookup)

    @router.get("/guarded/{scope}")
    async def guarded(principal: Annotated[Principal, Depends(require("read"))]) -> str:
        return principal.key_id

    @router.get("/writers")
    async def writers(principal: Annotated[Principal, Depends(require("write"))]) -> str:
        return principal.key_id

    return router


def failures() -> Router:
    """Return routes that fail in different ways."""
    router = Router()

    @router.get("/broken")
    async def broken() -> None:
        raise ZeroDivisionError("a bug with lrl_sec_abcdefgh_" + "s" * 32)

    @router.get("/away")
    async def away() -> None:
        raise Transient("the database is away")

    @router.get("/gone")
    async def gone() -> None:
        raise Problem(410, None, "this link was disabled")

    return router


def sample_app(telemetry: Telemetry) -> FastAPI:
    """Return the sample app."""
    app = create_app(
        service="test",
        lifespan=None,
        health=Health(),
        telemetry=telemetry,
        body_bytes_max=LIMIT_BYTES,
    )
    for router in (bodies(), guarded_routes(), failures()):
        app.include_router(router)
    return app


def problem(response: httpx.Response, status: int, field: str | None = None) -> dict[str, Any]:
    """Check the form of a problem and return it."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == PROBLEM_MEDIA_TYPE
    body: dict[str, Any] = response.json()
    assert set(body) == {"type", "title", "status", "detail", "errors", "request_id"}
    assert body["status"] == status
    assert body["request_id"] == response.headers["x-request-id"]
    if field is not None:
        assert [error["field"] for error in body["errors"]] == [field]
    return body
