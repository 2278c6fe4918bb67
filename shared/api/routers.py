"""The discovery of a service's routes: each file of its folder `routes/` that has some.

Promise: a new call is a new file; no list is edited. The files are taken in the order of their
names, so no two files may have routes that match one address.
What can go wrong: an error of a file while it is imported, so that the service does not start.
"""

from collections.abc import Iterator
from importlib import import_module
from typing import Any, Final

from fastapi.routing import APIRouter

from shared.extensions import module_names

ROUTER: Final = "router"
ROUTER_OF: Final = "router_of"


def routers_in(package: str, *parts: Any) -> list[APIRouter]:
    """Return `router` of each module of a package that has it, and `router_of(*parts)` likewise.

    A module that needs the parts of its service when its routes are made has a `router_of`.
    """
    return list(_routers(package, parts))


def _routers(package: str, parts: tuple[Any, ...]) -> Iterator[APIRouter]:
    for name in module_names(package):
        module = import_module(f"{package}.{name}")
        if hasattr(module, ROUTER):
            yield getattr(module, ROUTER)
        if hasattr(module, ROUTER_OF):
            yield getattr(module, ROUTER_OF)(*parts)
