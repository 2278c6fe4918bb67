"""Reads a vendor's JSON payload field by field: exact numbers, storable texts, named flaws.

Promise: what these functions return fits an event: texts without NUL or surrogates and within
their lengths, times in UTC, amounts in minor units. Numbers become Decimal, never float. What can
go wrong: `Unusable` names the field that is needed and cannot be used; `read_json` gives None.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from services.tracking.domain.claims import Flaw
from shared.events import KEY_LENGTH_MAX, TEXT_LENGTH_MAX
from shared.money import MoneyError, parse_minor

DIGITS_MAX: Final = 40  # no id and no amount is longer; int() is quadratic
EXPONENT_MAX: Final = 18

Payload = Mapping[str, Any]


class Unusable(Exception):
    """A field that is needed and cannot be used."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.flaw = Flaw(field, message)


def read_json(body: bytes) -> Any | None:
    """The payload with exact numbers; None when it is no JSON."""
    try:
        return _DECODER.decode(body.decode("utf-8"))
    except (ValueError, RecursionError):
        return None


def object_of(payload: Payload, field: str) -> Payload:
    """The object in a field; an empty one when there is none."""
    value = payload.get(field)
    return value if isinstance(value, dict) else {}


def objects_of(payload: Payload, field: str) -> Sequence[Payload]:
    """The objects of a list in a field; whatever else stands in it is passed over."""
    value = payload.get(field)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def text_of(value: object, *, length_max: int = KEY_LENGTH_MAX) -> str | None:
    """A text or whole number that can be stored, trimmed; None for everything else."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    if isinstance(value, int) and abs(value) >= 10**TEXT_LENGTH_MAX:
        return None
    text = str(value).strip()
    is_storable = "\x00" not in text and not any("\ud800" <= c <= "\udfff" for c in text)
    return text if 0 < len(text) <= length_max and is_storable else None


def identifier(payload: Payload, field: str) -> str:
    """The id in a field; raises `Unusable`."""
    text = text_of(payload.get(field), length_max=TEXT_LENGTH_MAX)
    if text is None:
        raise Unusable(field, "is missing or not an id")
    return text


def moment(payload: Payload, field: str) -> datetime | None:
    """The time in a field, in UTC; None when it is absent. Raises `Unusable`."""
    value = payload.get(field)
    if value is None:
        return None
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
        if found is None or found.tzinfo is None or not 1970 <= found.year < 9000:
            raise ValueError(field)
        return found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Unusable(field, "is not a time with offset") from None


def first_moment(payload: Payload, *fields: str) -> datetime:
    """The first of these fields that holds a time; raises `Unusable`."""
    for field in fields:
        found = moment(payload, field)
        if found is not None:
            return found
    raise Unusable(fields[-1], "is missing")


def amount_of(payload: Payload, field: str, currency: str) -> int:
    """The amount in a field, in minor units; raises `Unusable`."""
    if payload.get(field) is None:
        raise Unusable(field, "is missing")
    return minor_units(payload[field], currency, field)


def minor_units(value: object, currency: str, field: str) -> int:
    """Minor units of a number or a text, which may be padded with zeros; raises `Unusable`."""
    try:
        if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
            raise MoneyError("is not an amount")
        number = Decimal(value)
        if not number.is_finite() or abs(number.adjusted()) > EXPONENT_MAX:
            raise MoneyError("is not an amount")
        return parse_minor(f"{number.normalize():f}", currency)
    except (MoneyError, InvalidOperation) as error:
        message = str(error) if isinstance(error, MoneyError) else "is not an amount"
        raise Unusable(field, message) from None


def _integer(text: str) -> int:
    if len(text) > DIGITS_MAX:
        raise ValueError("a number is too long")
    return int(text)


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_DECODER: Final = json.JSONDecoder(
    parse_float=Decimal, parse_int=_integer, parse_constant=_constant
)
