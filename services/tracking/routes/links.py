"""`GET /{code}` behind the door: what the door does, and what it leaves: HEAD, unknown, disabled, not loaded yet."""

from typing import Annotated

from fastapi import Path, Request, Response
from starlette.datastructures import MutableHeaders

from services.tracking.routes.door import Redirects
from shared.http.body import Router
from shared.http.openapi import problems
from shared.http.problems import Problem, busy_problem
from shared.http.protocol import Fields


def links_router(redirects: Redirects) -> Router:
    """The route of short links; include it last, it matches every path of one segment."""
    router = Router(tags=["links"])

    @router.head("/{code}", include_in_schema=False)
    @router.get(
        "/{code}",
        status_code=302,
        response_class=Response,
        summary="Follow a short link",
        responses=problems(410)
        | {302: {"description": "To the destination, with the click id appended"}},
    )
    async def follow(
        code: Annotated[  # noqa: ARG001 - declared for the document; read from the path
            str, Path(description="The short code of the link.", examples=["mia-bag"])
        ],
        request: Request,
    ) -> Response:
        link = redirects.find(request.scope)
        if link is None:
            if not redirects.is_complete:
                raise busy_problem("the links are not loaded yet")
            redirects.count("unknown")
            raise Problem(404)
        if not link.destination:
            redirects.count("gone")
            raise Problem(410, None, "this link was switched off")
        if request.method == "HEAD":
            return _redirect([(b"location", link.destination)])
        return _redirect(redirects.headers(request.scope, link))

    return router


def _redirect(raw: Fields) -> Response:
    response = Response(status_code=302, headers={"cache-control": "no-store"})
    headers = MutableHeaders(raw=[*raw])
    headers.setdefault("cache-control", "no-store")
    headers.setdefault("content-length", "0")
    response.raw_headers = headers.raw
    return response
