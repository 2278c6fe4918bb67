"""List the extensions in a package by the names of its folders or files, without importing them.

Promise: a new folder or file in the package is listed; no other file needs a change. A service
that may not import an extension can still name it.
What can go wrong: `ModuleNotFoundError` for a package that does not exist.
"""

import pkgutil
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from typing import Final

# The package of the vendors' adapters. tracking imports them; roi only needs their names.
VENDOR_PACKAGE: Final = "services.tracking.adapters"


def folder_names(package: str) -> tuple[str, ...]:
    """Return the names of the packages directly inside a package, sorted, without plain modules."""
    return tuple(
        sorted(found.name for found in pkgutil.iter_modules(_locations(package)) if found.ispkg)
    )


def module_names(package: str) -> tuple[str, ...]:
    """Return the names of the plain modules directly inside a package, sorted.

    Names that begin with `_` are left out.
    """
    return tuple(
        sorted(
            found.name
            for found in pkgutil.iter_modules(_locations(package))
            if not found.ispkg and not found.name.startswith("_")
        )
    )


def _locations(package: str) -> Sequence[str]:
    """Return the folders of a package. Only its topmost name is looked up through `sys.path`."""
    top, *rest = package.split(".")
    spec = find_spec(top)
    name = top
    for part in rest:
        name = f"{name}.{part}"
        spec = PathFinder.find_spec(name, _folders(spec, name))
    return _folders(spec, package)


def _folders(spec: ModuleSpec | None, name: str) -> Sequence[str]:
    if spec is None or spec.submodule_search_locations is None:
        raise ModuleNotFoundError(f"no package {name}", name=name)
    return list(spec.submodule_search_locations)
