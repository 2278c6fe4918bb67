"""The FastAPI app that all three services start from: operational routes, problems for every error, one OpenAPI.

Promise: every 4xx and 5xx of the app, the framework's own included, is a problem with a request id. A service adds its
routes with `app.include_router(router)`, the router being a `shared.http.body.Router` (strict JSON): another kind is refused.

What can go wrong: `/health/ready` answers 503 and names what is missing until every part of `Health` is there.
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRouter
from starlette.exceptions import HTTPException
from typing_extensions import override

from shared.errors import Transient
from shared.http.body import Router, StrictRoute
from shared.http.edge import Edge, as_problem, request_id_of
from shared.http.front_page import front_page_router
from shared.http.gate import Gate
from shared.http.health import Health
from shared.http.openapi import with_problems
from shared.http.problems import (
    RETRY_AFTER_SECONDS,
    FieldError,
    Problem,
    field_errors,
    problem_response,
)
from shared.http.reference import reference_router
from shared.telemetry import Telemetry

# Ten times the largest webhook of the vendors' samples; a body is held in memory while it is checked.
BODY_LIMIT_BYTES: Final = 262_144
VERSION: Final = "1"

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


class ServiceApp(FastAPI):
    """FastAPI that takes only strict routers and describes its problems."""

    @override
    def include_router(self, router: APIRouter, *args: Any, **options: Any) -> None:
        if not issubclass(router.route_class, StrictRoute):
            raise TypeError("build routers with shared.http.body.Router: it parses JSON strictly")
        super().include_router(router, *args, **options)

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
    gate: Gate | None = None,
) -> FastAPI:
    """An app with the operational routes. `does` says in one sentence what the service is for. Its `Telemetry` is the one given, else its own, at `app.state.telemetry`; its
    gate is the one given, which something in front of it shares, else its own, at `app.state.gate`: the server lets go whom it holds."""
    app = ServiceApp(
        title=f"Laurel {service}",
        version=VERSION,
        description=does,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.router.route_class = StrictRoute
    app.state.telemetry = telemetry or Telemetry(service)
    app.state.gate = gate or Gate(body_limit_bytes=BODY_LIMIT_BYTES)
    app.add_middleware(Edge, telemetry=app.state.telemetry, gate=app.state.gate)
    for kind, handler in (
        (HTTPException, _answer_problem),
        (Transient, _answer_problem),
        (RequestValidationError, _answer_invalid),
    ):
        app.add_exception_handler(kind, handler)
    app.include_router(_operations(app, health))
    app.include_router(front_page_router(app, service))
    app.include_router(reference_router(app))
    return app


def openapi_document(app: FastAPI) -> dict[str, Any]:
    """The app's OpenAPI document, for the committed copy that a test holds against the code."""
    return app.openapi()


async def _answer_problem(request: Request, error: Exception) -> Response:
    return problem_response(as_problem(error), request_id_of(request.scope))


async def _answer_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    errors = field_errors(error.errors())
    detail = "; ".join(f"{item.field}: {item.message}" for item in errors[:3])
    return problem_response(Problem(422, None, detail, errors), request_id_of(request.scope))


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
