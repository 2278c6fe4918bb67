"""`/app/static/<name>`: the stylesheet and the scripts.

Promise: an address with the right digest may be kept for ever; without it a browser asks again.
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
    is_named = request.query_params.get("v") == found.digest
    headers = {
        "ETag": f'"{found.digest}"',
        "Vary": "Accept-Encoding",
        "Cache-Control": "public, max-age=31536000, immutable" if is_named else "no-cache",
    }
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    if not takes_gzip(request):
        return Response(found.plain, headers=headers, media_type=found.media_type)
    headers["Content-Encoding"] = "gzip"
    return Response(found.packed, headers=headers, media_type=found.media_type)
