"""The names of catalog objects in files, and the id that each one stands for. Pure.

Promise: an object is named by its id, its external id, its name, or (a placement) by the address
of its post. A name that several objects have names none.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

# Stands for the id of a name that several objects have.
_SEVERAL: Final = ""


class PlacementNames:
    """The names of the placements of a brand, and the id that each one stands for."""

    def __init__(self, placements: Iterable[Mapping[str, Any]] = ()) -> None:
        self._exact: dict[str, str] = {}
        self._posts: dict[str, str] = {}
        for placement in placements:
            self.add(placement)

    def add(self, placement: Mapping[str, Any]) -> None:
        """Add a placement with its id, its external id and its address."""
        for name in filter(None, (placement["id"], placement.get("external_id"))):
            _note(self._exact, name, placement["id"])
        for name in post_names(placement.get("url") or ""):
            _note(self._posts, name, placement["id"])

    def named(self, text: str) -> str | None:
        """Return the id of the placement with this name; None when none or several have it."""
        found = self._exact.get(text)
        for name in () if found is not None else (*post_names(text), text):
            found = found if found is not None else self._posts.get(name)
        return None if found == _SEVERAL else found


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
        self._ids: dict[str, str] = {}

    def add(self, object_id: str, *names: str | None) -> None:
        """Add an object with its names; None is no name."""
        for name in filter(None, names):
            _note(self._ids, name.casefold(), object_id)

    def named(self, text: str) -> str | None:
        """Return the id of the object with this name; None when none or several have it."""
        found = self._ids.get(text.casefold())
        return None if found == _SEVERAL else found

    def is_of_several(self, text: str) -> bool:
        """Return whether several objects have this name."""
        return self._ids.get(text.casefold()) == _SEVERAL


def _note(ids: dict[str, str], name: str, object_id: str) -> None:
    """Note the id of a name, or that several objects have it.

    Texts and no sets: a brand has 100,000 names, and the collector of garbage visits each set.
    """
    if ids.setdefault(name, object_id) != object_id:
        ids[name] = _SEVERAL


def post_address(address: str) -> str:
    """Return the form of an address by which a row of placements finds the placement it is about.

    The id of a post alone is not enough: two platforms may have the same.
    """
    return next(post_names(address), address)
