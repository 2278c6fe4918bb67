"""Find the vendors: every folder of `services/tracking/adapters` is one.

Promise: no list is edited to add a vendor. What can go wrong: `ConfigurationError` at start, for a
folder whose name cannot be a vendor or that has no `verify` or no `read`.
"""

import re
from collections.abc import Mapping
from importlib import import_module
from typing import Final, get_args

from services.tracking.domain.deliveries import Adapter
from shared.errors import ConfigurationError
from shared.events import SourceKind
from shared.extensions import VENDOR_PACKAGE, folder_names

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)
# Source classes that exist already. A vendor with such a name would get the event ids of keys.
_TAKEN: Final = frozenset(get_args(SourceKind))


def find_adapters() -> Mapping[str, Adapter]:
    """Return the adapter of every vendor, by name."""
    return {name: _adapter(name) for name in folder_names(VENDOR_PACKAGE)}


def _adapter(name: str) -> Adapter:
    check_name(name)
    module = import_module(f"{VENDOR_PACKAGE}.{name}")
    missing = [part for part in ("verify", "read") if not callable(getattr(module, part, None))]
    if missing:
        raise ConfigurationError(f"the vendor {name} has no {' and no '.join(missing)}")
    return Adapter(name, module.verify, module.read)


def check_name(name: str) -> None:
    """Raise `ConfigurationError` unless a folder of this name can be a vendor."""
    if not _NAME.fullmatch(name):
        raise ConfigurationError(
            f"{name} is not a valid vendor name: begin with a letter and use a-z, 0-9 and _"
        )
    if name in _TAKEN:
        raise ConfigurationError(
            f"{name} is not a valid vendor name: another kind of source has it"
        )
