"""Names the extensions in a package from its folder, without importing any of them.

Promise: adding a folder or file to the package adds a name, and no list is edited. A service that
may not import an extension can still name it. What can go wrong: `ModuleNotFoundError` for a
package that does not exist.
"""

import pkgutil
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from typing import Final

# The home of the vendors: tracking imports them, roi only names them.
VENDOR_PACKAGE: Final = "services.tracking.adapters"


def folder_names(package: str) -> tuple[str, ...]:
    """The packages directly inside a package, sorted. Plain modules beside them are not counted."""
    return tuple(
        sorted(found.name for found in pkgutil.iter_modules(_locations(package)) if found.ispkg)
    )


def module_names(package: str) -> tuple[str, ...]:
    """The plain modules directly inside a package, sorted, without those that begin with `_`."""
    return tuple(
        sorted(
            found.name
            for found in pkgutil.iter_modules(_locations(package))
            if not found.ispkg and not found.name.startswith("_")
        )
    )


def _locations(package: str) -> Sequence[str]:
    """The folders of a package. Only its topmost name is looked up through `sys.path`."""
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
