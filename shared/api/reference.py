"""The pages at `/docs`: an interactive API reference, served from this process alone.

Swagger UI draws the page. Its script and its style sheet come out of the wheel `fastapi-swagger`;
no other code of that wheel is used. The page loads nothing from another origin and runs no inline
script: the call that starts Swagger UI is a file of its own.

Errors: `ModuleNotFoundError` on a request to `/docs/…` when the wheel is not installed.
"""

from html import escape
from importlib import resources
from pathlib import Path
from typing import Final

from fastapi import FastAPI
from starlette.responses import FileResponse, HTMLResponse, Response

from shared.http.body import Router
from shared.http.problems import Problem

# `data:` is for the small icons inside Swagger UI's own style sheet; they are images and run nothing.
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# One hour: the files change only with an upgrade of the wheel.
_CACHE: Final = "private, max-age=3600"
_TYPES: Final = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon-32x32.png": "image/png",
}
_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<link rel="icon" href="/docs/favicon-32x32.png">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<noscript>This page needs JavaScript. The document itself is /openapi.json.</noscript>
<div id="reference"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""
# The key that a reader types stays in the page's memory and goes only to this origin.
_START: Final = """"use strict";
SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#reference",
  deepLinking: true,
  docExpansion: "list",
  tryItOutEnabled: true,
  persistAuthorization: false,
  validatorUrl: null,
});
"""


def reference_router(app: FastAPI) -> Router:
    """The routes of the reference page of `app`; they are not part of the OpenAPI document."""
    router = Router(include_in_schema=False)

    @router.get("/docs")
    async def page() -> Response:
        text = _PAGE.format(title=escape(app.title))
        return HTMLResponse(text, headers={"Content-Security-Policy": POLICY})

    @router.get("/docs/start.js")
    async def start() -> Response:
        return Response(_START, media_type="text/javascript", headers={"Cache-Control": _CACHE})

    @router.get("/docs/{name}")
    async def asset(name: str) -> Response:
        if name not in _TYPES:
            raise Problem(404)
        headers = {"Cache-Control": _CACHE}
        return FileResponse(_folder() / name, media_type=_TYPES[name], headers=headers)

    return router


def _folder() -> Path:
    """Where the installed wheel keeps the files. Looked up on request, so a start costs nothing."""
    return Path(str(resources.files("fastapi_swagger").joinpath("resources")))
