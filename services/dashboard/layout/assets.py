"""The stylesheet and the scripts, with the digest in their address.

Promise: a browser keeps a file for ever under its address; another content has another address.
Modules import each other by a plain relative name: these are asked again with their ETag.
"""

import gzip
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

HOME: Final = Path(__file__).parents[1] / "static"
_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_NAME: Final = re.compile(r"[a-z0-9-]+\.(css|js|svg)")


@dataclass(frozen=True, slots=True)
class Asset:
    """One file: its bytes plain and compressed, its type and its digest."""

    plain: bytes
    packed: bytes
    media_type: str
    digest: str


@cache
def assets() -> Mapping[str, Asset]:
    """Return all files by name."""
    return {
        path.name: _asset(path)
        for path in sorted(HOME.iterdir())
        if _NAME.fullmatch(path.name) is not None
    }


def asset_url(name: str) -> str:
    """Return the address of a file."""
    return f"/app/static/{name}?v={assets()[name].digest}"


def _asset(path: Path) -> Asset:
    plain = path.read_bytes()
    digest = hashlib.sha256(plain).hexdigest()[:12]
    return Asset(plain, gzip.compress(plain, mtime=0), _TYPES[path.suffix], digest)
