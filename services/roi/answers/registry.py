"""The discovery of registry entries: one or more in every file of a package.

Promise: to add an entry is to add a file; no list is edited. What can go wrong: two entries with
one id, or a file without an entry, raise `RegistryError` when the package is imported, so a service
with a broken registry does not start.
"""

import pkgutil
from collections.abc import Iterable
from importlib import import_module
from typing import Protocol, TypeVar


class RegistryError(Exception):
    """The files of a registry contradict each other."""


class Named(Protocol):
    """An entry with an id."""

    @property
    def id(self) -> str:
        """Return the unique id of the entry."""


Entry = TypeVar("Entry", bound=Named)


def discover(package: str, folders: Iterable[str], kind: type[Entry]) -> dict[str, Entry]:
    """Return every entry of `kind` in the modules of a package, by id, sorted by id."""
    found: dict[str, Entry] = {}
    for info in pkgutil.iter_modules(folders):
        module = import_module(f"{package}.{info.name}")
        entries = [value for value in vars(module).values() if isinstance(value, kind)]
        if not entries:
            raise RegistryError(f"{module.__name__} holds no {kind.__name__}")
        for entry in entries:
            if found.setdefault(entry.id, entry) is not entry:
                raise RegistryError(f"two {kind.__name__} entries have the id {entry.id!r}")
    return dict(sorted(found.items()))
