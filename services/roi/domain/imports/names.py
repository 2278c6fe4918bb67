"""The names of catalog objects in files, and the id that each one stands for. Pure.

Promise: an object is named by its id, its external id, its name, or (a placement) by the address
of its post. A name that several objects have names none.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit


class PlacementNames:
    """The names of the placements of a brand, and the id that each one stands for."""

    def __init__(self, placements: Iterable[Mapping[str, Any]]) -> None:
        self._exact: defaultdict[str, set[str]] = defaultdict(set)
        self._posts: defaultdict[str, set[str]] = defaultdict(set)
        for placement in placements:
            for name in filter(None, (placement["id"], placement.get("external_id"))):
                self._exact[name].add(placement["id"])
            for name in post_names(placement.get("url") or ""):
                self._posts[name].add(placement["id"])

    def named(self, text: str) -> str | None:
        """Return the id of the placement with this name; None when none or several have it."""
        found = self._exact.get(text) or set()
        for name in () if found else (*post_names(text), text):
            found = found or self._posts.get(name) or set()
        return next(iter(found)) if len(found) == 1 else None


def post_names(address: str) -> Iterator[str]:
    """Yield the forms of an address by which a post is known: host and path, then the post's id."""
    try:
        parts = urlsplit(address.strip())
    except ValueError:
        return
    if not parts.netloc:
        return
    host = parts.netloc.casefold().removeprefix("www.").removeprefix("m.")
    video = parse_qs(parts.query).get("v")
    path = parts.path.rstrip("/")
    yield f"{host}{path}" + (f"?v={video[0]}" if video else "")
    post = video[0] if video else path.rpartition("/")[2]
    if post:
        yield post


class ObjectNames:
    """The names of the objects of one kind; capital letters make no difference."""

    def __init__(self) -> None:
        self._ids: defaultdict[str, set[str]] = defaultdict(set)

    def add(self, object_id: str, *names: str | None) -> None:
        """Add an object with its names; None is no name."""
        for name in filter(None, names):
            self._ids[name.casefold()].add(object_id)

    def named(self, text: str) -> str | None:
        """Return the id of the object with this name; None when none or several have it."""
        found = self._ids.get(text.casefold(), ())
        return next(iter(found)) if len(found) == 1 else None

    def count(self, text: str) -> int:
        """Return how many objects have this name."""
        return len(self._ids.get(text.casefold(), ()))


def post_address(address: str) -> str:
    """Return the form of an address by which a row of placements finds the placement it is about.

    The id of a post alone is not enough: two platforms may have the same.
    """
    return next(post_names(address), address)
