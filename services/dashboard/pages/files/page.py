"""`/app/static/<name>`: the stylesheet and the scripts.

Promise: a browser that has a file asks with its ETag, and gets it again only when it changed.
"""

from fastapi import Request, Response

from services.dashboard.layout.assets import assets
from services.dashboard.layout.page_route import PageRouter, takes_gzip
from shared.http.problems import Problem

router = PageRouter()


@router.get("/app/static/{name}")
async def file(request: Request, name: str) -> Response:
    """Return one file."""
    found = assets().get(name)
    if found is None:
        raise Problem(404, "Not found", "There is no such file.")
    headers = {
        "ETag": f'"{found.digest}"',
        "Vary": "Accept-Encoding",
        "Cache-Control": "no-cache",
    }
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    if not takes_gzip(request):
        return Response(found.plain, headers=headers, media_type=found.media_type)
    headers["Content-Encoding"] = "gzip"
    return Response(found.packed, headers=headers, media_type=found.media_type)
