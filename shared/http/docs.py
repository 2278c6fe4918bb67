"""The page at `/docs`: the OpenAPI document as plain HTML, without a script and without another origin.

Promise: it shows what `/openapi.json` says, escaped, under a policy that lets nothing run or load.
"""

import base64
import hashlib
import json
from collections.abc import Iterator
from html import escape
from typing import Any, Final

from starlette.responses import HTMLResponse

_STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "summary{cursor:pointer;padding:.4rem 0}code,pre{font:14px/1.4 ui-monospace,monospace}"
    "pre{background:#f4f4f4;color:#222;padding:1rem;overflow:auto}"
    ".method{display:inline-block;min-width:4rem;font-weight:700}"
)
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; frame-ancestors 'none'"
)
_METHODS: Final = ("get", "post", "put", "patch", "delete")


def docs_page(document: dict[str, Any]) -> HTMLResponse:
    """The page."""
    title = escape(document["info"]["title"])
    page = [
        "<!doctype html><html lang=en><meta charset=utf-8>",
        f"<meta name=viewport content='width=device-width'><title>{title}</title>",
        f"<style>{_STYLE}</style><h1>{title}</h1>",
        "<p>The machine-readable form is <a href=/openapi.json>/openapi.json</a>.</p>",
        *_operations(document),
        f"<h2>Schemas</h2>{_block(document.get('components', {}).get('schemas', {}))}",
    ]
    return HTMLResponse("\n".join(page), headers={"Content-Security-Policy": _POLICY})


def _operations(document: dict[str, Any]) -> Iterator[str]:
    for path, operations in sorted(document.get("paths", {}).items()):
        for method in _METHODS:
            if method in operations:
                operation = operations[method]
                yield (
                    f"<details><summary><span class=method>{method.upper()}</span>"
                    f"<code>{escape(path)}</code> {escape(operation.get('summary', ''))}</summary>"
                    f"<p>{escape(operation.get('description', ''))}</p>{_block(operation)}</details>"
                )


def _block(value: Any) -> str:
    return f"<pre>{escape(json.dumps(value, indent=2, ensure_ascii=False))}</pre>"
