"""The pages at `/docs`: an interactive API reference (Swagger UI), served by this process alone.

Promise: the script and the style sheet of Swagger UI come from the wheel `fastapi-swagger`; no
other code of it is used. The page loads nothing from another origin and has no inline script, so
the call that starts Swagger UI is a file of its own.
What can go wrong: `ModuleNotFoundError` on `/docs/…` if the wheel is not installed.
"""

from html import escape
from importlib import resources
from pathlib import Path
from typing import Final

from fastapi import FastAPI
from starlette.responses import FileResponse, HTMLResponse, Response

from shared.http.body import Router
from shared.http.problems import Problem

# `data:` allows the icons inside the style sheet of Swagger UI. They are images, not scripts.
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
# The page keeps a typed key in memory only and sends it only to this origin.
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
    """Return the router of the reference page. Its routes are not in the OpenAPI document."""
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
    """Return the folder of the files in the installed wheel. Only a request looks it up."""
    return Path(str(resources.files("fastapi_swagger").joinpath("resources")))
