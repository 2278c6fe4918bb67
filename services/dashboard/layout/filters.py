"""The filters of an address as chips, and the links that set one. Pure."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from services.dashboard.view.view import View

_PREFIX: Final = "filter."
Chip = tuple[str, str]  # what passes, and the address without that filter


def chips(view: View, names: Mapping[str, str] = MappingProxyType({})) -> Sequence[Chip]:
    """Return a chip for each filter; `names` gives the names of values that are ids."""
    return [
        (f"{name[len(_PREFIX) :].replace('_', ' ')}: {names.get(value, value)}",
         view.link(**{_parameter(name): None}))
        for name, value in view.filters
    ]  # fmt: skip


def filter_link(view: View, dimension: str, value: str) -> str:
    """Return the address of this page with only one value of a dimension."""
    return view.link(**{f"filter__{dimension}": exactly(value)})


def exactly(value: str) -> str:
    """Return the filter that means this value: a comma or a leading minus has a meaning there."""
    plain = value.replace("\\", "\\\\").replace(",", "\\,")
    return f"\\{plain}" if plain.startswith("-") else plain


def _parameter(name: str) -> str:
    return f"filter__{name[len(_PREFIX) :]}"
