"""`GET /` of a service: its name, its purpose, and links to its reference, health and metrics.

Promise: programs get JSON. A browser, which sends `Accept: text/html`, gets the same content as a
small page. The call needs no key and shows nothing of a workspace.
"""

from html import escape
from typing import Any, Final

from fastapi import FastAPI, Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from shared.api.shapes import AnswerModel
from shared.http.body import Router

_PATHS: Final = {
    "reference": "/docs",
    "openapi": "/openapi.json",
    "health": "/health/ready",
    "metrics": "/metrics",
}
_SENTENCES: Final = {
    "reference": "every call of this service, to read and to try",
    "openapi": "the same for programs, as OpenAPI 3.1",
    "health": "whether the process can serve, and what is missing",
    "metrics": "counters and timings in Prometheus format",
}


class FrontPageAnswer(AnswerModel):
    """The name of a service and where its pages are."""

    service: str
    """The name of the service: `tracking`, `attribution` or `roi`."""
    does: str
    """One sentence: what the service is for."""
    version: str
    """The version of the API that it serves."""
    reference: str
    """Path of the interactive API reference."""
    openapi: str
    """Path of the OpenAPI document."""
    health: str
    """Path that says whether the process can serve."""
    metrics: str
    """Path of the metrics in Prometheus format."""


def front_page_router(app: FastAPI, service: str) -> Router:
    """Return the router of the front page, which shows `app.description`."""
    router = Router(tags=["operations"])
    html: dict[str, Any] = {"text/html": {"schema": {"type": "string"}}}

    @router.get(
        "/",
        summary="Say which service this is and where to go",
        response_model=FrontPageAnswer,
        responses={200: {"content": html, "description": "JSON, or HTML where it is accepted"}},
    )
    async def front_page(request: Request) -> Response:
        headers = {"Vary": "Accept"}
        if "text/html" in request.headers.get("accept", ""):
            return HTMLResponse(_page(app), headers=headers)
        answer = FrontPageAnswer(
            service=service, does=app.description, version=app.version, **_PATHS
        )
        return JSONResponse(answer.model_dump(), headers=headers)

    return router


def _page(app: FastAPI) -> str:
    items = "\n".join(
        f'<li><a href="{path}">{path}</a>: {_SENTENCES[name]}</li>' for name, path in _PATHS.items()
    )
    title = escape(app.title)
    return (
        '<!doctype html>\n<html lang="en">\n'
        f'<head><meta charset="utf-8"><title>{title}</title></head>'
        f"\n<body>\n<h1>{title}</h1>\n<p>{escape(app.description)}</p>\n<ul>\n{items}\n</ul>\n"
        "</body>\n</html>\n"
    )
