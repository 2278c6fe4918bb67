"""The two forms of rates: the worth of a unit, and an exchange rate. Pure.

Promise: fields of both are on one page, so each has a name of its own.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

# By kind: the field of the form, and the field of the API.
FIELDS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "value": {
            "per": "per",
            "platform": "platform",
            "value_amount": "amount",
            "value_currency": "currency",
            "value_from": "valid_from",
        },
        "exchange": {
            "currency": "currency",
            "amount": "amount",
            "valid_from": "valid_from",
        },
    }
)
UNITS: Final = ("impression", "view", "like", "comment", "share", "save", "visit", "lead")
UNIT_CHOICES: Final = [(unit, f"{unit} (a click)" if unit == "visit" else unit) for unit in UNITS]


def body_of_form(kind: str, fields: Mapping[str, str]) -> Mapping[str, Any]:
    """Return the body of the call."""
    given = {own: fields.get(name, "").strip() for name, own in FIELDS[kind].items()}
    return {"kind": kind, **{name: value for name, value in given.items() if value}}


def other_names(kind: str) -> Mapping[str, str]:
    """Return the field of the form for each field of the API."""
    return {own: name for name, own in FIELDS[kind].items()}
