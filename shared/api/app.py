"""The FastAPI app of every service: operational routes, one middleware, the OpenAPI document.

Promise: a service gives its routers, or adds one with `app.include_router`. Each must be a
`shared.http.body.Router`, which parses JSON strictly. Every 4xx and 5xx answer is a problem with a
request id (`shared.http.middleware`).
What can go wrong: until every part of `Health` is ready, `/health/ready` answers 503 and names the
missing parts. `TypeError` for a router of another class.
"""

from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

from fastapi import FastAPI, Response
from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware
from fastapi.routing import APIRouter
from starlette.types import ASGIApp
from typing_extensions import override

from shared.api.front_page import front_page_router
from shared.api.openapi import with_problems
from shared.api.reference import reference_router
from shared.http.body import Router, StrictRoute
from shared.http.health import Health
from shared.http.middleware import BODY_BYTES_MAX, IN_FLIGHT_MAX, RequestMiddleware
from shared.http.problems import RETRY_AFTER_SECONDS, FieldError, Problem
from shared.telemetry import Telemetry

VERSION: Final = "1"

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


class ServiceApp(FastAPI):
    """FastAPI with one middleware, with strict routers only, and with problems in its OpenAPI."""

    def __init__(
        self, telemetry: Telemetry, *, body_bytes_max: int, in_flight_max: int, **options: Any
    ) -> None:
        # The middleware measures. FastAPI would ask for each request whether it should, too.
        super().__init__(**options, telemetry={"tracing": False, "metrics": False, "logs": False})
        self.router.route_class = StrictRoute
        self.state.telemetry = telemetry
        self._limits = {"body_bytes_max": body_bytes_max, "in_flight_max": in_flight_max}

    @override
    def build_middleware_stack(self) -> ASGIApp:
        # One layer instead of Starlette's five. FastAPI needs the inner one: it closes what a
        # request has opened.
        app = AsyncExitStackMiddleware(self.router)
        return RequestMiddleware(app, self.state.telemetry, **self._limits)

    @override
    def include_router(self, router: APIRouter, *args: Any, **options: Any) -> None:
        """Add the routes of a router to one flat list: it is matched faster than nested routers."""
        if args or options or not issubclass(router.route_class, StrictRoute):
            raise TypeError("build routers with shared.http.body.Router: it parses JSON strictly")
        self.router.routes.extend(router.routes)

    @override
    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            self.openapi_schema = with_problems(super().openapi())
        return self.openapi_schema


def create_app(
    *,
    service: str,
    lifespan: Lifespan | None,
    health: Health,
    does: str = "",
    telemetry: Telemetry | None = None,
    body_bytes_max: int = BODY_BYTES_MAX,
    in_flight_max: int = IN_FLIGHT_MAX,
    routers: Iterable[APIRouter] = (),
) -> FastAPI:
    """Return an app with the routes of `routers` and the operational routes.

    `does` is one sentence: what the service is for. `app.state.telemetry` is `telemetry`, or a new
    one if it is None. Routes are tried in their order, so the frequent ones are first.
    """
    app = ServiceApp(
        telemetry or Telemetry(service),
        body_bytes_max=body_bytes_max,
        in_flight_max=in_flight_max,
        title=f"Laurel {service}",
        version=VERSION,
        description=does,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    for router in routers:
        app.include_router(router)
    app.include_router(_operations(app, health))
    app.include_router(front_page_router(app, service))
    app.include_router(reference_router(app))
    return app


def openapi_document(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document of an app. A test compares it with the committed copy."""
    return app.openapi()


def _operations(app: FastAPI, health: Health) -> Router:
    router = Router(tags=["operations"])

    @router.get("/health/live", summary="The process runs")
    async def live() -> dict[str, str]:
        return {"status": "live"}

    @router.get("/health/ready", summary="The process can serve; says what is missing")
    async def ready() -> dict[str, str]:
        is_ready, missing = health.ready()
        if is_ready:
            return {"status": "ready"}
        parts = [item.partition(": ") for item in missing]
        raise Problem(
            503,
            None,
            "not ready: " + "; ".join(missing),
            [FieldError(name, detail or "missing") for name, _, detail in parts],
            {"Retry-After": str(RETRY_AFTER_SECONDS)},
        )

    @router.get(
        "/metrics",
        summary="Prometheus metrics",
        response_class=Response,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    )
    async def metrics() -> Response:
        telemetry: Telemetry = app.state.telemetry
        return Response(telemetry.render(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return router
