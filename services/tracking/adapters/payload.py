"""Read the fields of a vendor's JSON payload.

Promise: the results fit into an event. Texts have no NUL and no surrogates and are within their
lengths, times are in UTC, amounts are in minor units. Numbers become Decimal, never float.
What can go wrong: `Unusable` names a required field that cannot be used.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from services.tracking.domain.claims import Flaw
from shared.events import KEY_LENGTH_MAX, TEXT_LENGTH_MAX
from shared.ids import clean_id
from shared.moments import in_calendar
from shared.money import MoneyError, parse_minor

DIGITS_MAX: Final = 40  # no id and no amount is longer, and int() takes quadratic time
EXPONENT_MAX: Final = 18

Payload = Mapping[str, Any]


class Unusable(Exception):
    """A required field cannot be used; `flaw` names it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.flaw = Flaw(field, message)


def read_json(body: bytes) -> Any | None:
    """Return the parsed payload with exact numbers; None when it is not JSON."""
    try:
        return _DECODER.decode(body.decode("utf-8"))
    except (ValueError, RecursionError):
        return None


def object_of(payload: Payload, field: str) -> Payload:
    """Return the object in a field; an empty one when there is none."""
    value = payload.get(field)
    return value if isinstance(value, dict) else {}


def objects_of(payload: Payload, field: str) -> Sequence[Payload]:
    """Return the objects of a list in a field; other items are skipped."""
    value = payload.get(field)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def text_of(value: object, *, length_max: int = KEY_LENGTH_MAX) -> str | None:
    """Return a storable text or whole number as trimmed text; None for other values."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    if isinstance(value, int) and abs(value) >= 10**TEXT_LENGTH_MAX:
        return None
    text = str(value).strip()
    is_storable = "\x00" not in text and not any("\ud800" <= c <= "\udfff" for c in text)
    return text if 0 < len(text) <= length_max and is_storable else None


def id_of(value: object, *, length_max: int = KEY_LENGTH_MAX) -> str | None:
    """Return an id as text; None when it is no text or number, or holds a control character."""
    text = text_of(value, length_max=length_max)
    try:
        return None if text is None else clean_id(text)
    except ValueError:
        return None


def identifier(payload: Payload, field: str) -> str:
    """Return the id in a field. Raises `Unusable`."""
    text = id_of(payload.get(field), length_max=TEXT_LENGTH_MAX)
    if text is None:
        raise Unusable(field, "is missing or not an id")
    return text


def moment(payload: Payload, field: str) -> datetime | None:
    """Return the time in a field, in UTC; None when it is absent. Raises `Unusable`."""
    value = payload.get(field)
    if value is None:
        return None
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
        if found is None or found.tzinfo is None:
            raise ValueError(field)
        return in_calendar(found)
    except ValueError:
        raise Unusable(field, "is not a time with offset") from None


def first_moment(payload: Payload, *fields: str) -> datetime:
    """Return the time in the first of these fields that has one. Raises `Unusable`."""
    for field in fields:
        found = moment(payload, field)
        if found is not None:
            return found
    raise Unusable(fields[-1], "is missing")


def amount_of(payload: Payload, field: str, currency: str) -> int:
    """Return the amount in a field, in minor units. Raises `Unusable`."""
    if payload.get(field) is None:
        raise Unusable(field, "is missing")
    return minor_units(payload[field], currency, field)


def minor_units(value: object, currency: str, field: str) -> int:
    """Return the minor units of a number or a text, which can have extra zeros.

    Raises `Unusable`.
    """
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
