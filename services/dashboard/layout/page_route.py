"""The routes of pages: what goes wrong becomes a page or a way to sign in, never JSON or a trace.

Promise: without a session the answer leads to the sign-in page and back. A refusal is a page that
says what to do. Every page has the strict content policy, and is compressed where asked for.
"""

import gzip
from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.routing import APIRouter
from starlette.responses import HTMLResponse, RedirectResponse
from typing_extensions import override

from services.dashboard.layout.assets import asset_url
from services.dashboard.layout.templates import rendered
from services.dashboard.session.sessions import SignInNeeded
from shared.http.body import StrictRoute
from shared.http.problems import Problem

CONTENT_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
SIGN_IN: Final = "/app/sign-in"
# Smaller pages gain nothing by compression.
PACKED_BYTES_MIN: Final = 1_024
_PACKED_LEVEL: Final = 5


class PageRoute(StrictRoute):
    """A route whose answers are for people."""

    @override
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handler(request)
            except SignInNeeded:
                return to_sign_in(request)
            except Problem as problem:
                return problem_page(problem)

        return answer


class PageRouter(APIRouter):
    """The router for pages."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            route_class=PageRoute, redirect_slashes=False, include_in_schema=False, **options
        )


def html(request: Request, text: str, status: int = 200) -> Response:
    """Return a page, compressed where the browser takes it."""
    body = text.encode()
    headers = {"Content-Security-Policy": CONTENT_POLICY, "Vary": "Accept-Encoding"}
    if len(body) >= PACKED_BYTES_MIN and takes_gzip(request):
        body = gzip.compress(body, _PACKED_LEVEL, mtime=0)
        headers["Content-Encoding"] = "gzip"
    return HTMLResponse(body, status, headers)


def takes_gzip(request: Request) -> bool:
    """Return whether the browser takes compressed answers."""
    return "gzip" in request.headers.get("accept-encoding", "")


def to_sign_in(request: Request) -> Response:
    """Lead to the sign-in page, and from there back to a page that was read."""
    where = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    back = f"?next={quote(where, safe='')}" if request.method == "GET" else ""
    return RedirectResponse(SIGN_IN + back, HTTPStatus.SEE_OTHER)


def problem_page(problem: Problem) -> Response:
    """Return the page of a refusal."""
    text = rendered(
        "problem.html", title=problem.title, text=str(problem.detail), asset=asset_url
    )
    return HTMLResponse(text, problem.status, {"Content-Security-Policy": CONTENT_POLICY})
