"""The shapes that all HTTP calls share: strict models, money, moments in time, pages of lists.

Promise: an unknown field is refused by its name. Money is never a JSON number. A moment has an
offset and is converted to UTC. A cursor is opaque.
What can go wrong: `ValueError` or a `Problem` 422, which name the field or say what to send.
"""

import base64
import binascii
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Generic, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    WithJsonSchema,
)
from pydantic_core import CoreSchema, core_schema

from shared.http.problems import Problem, field_problem
from shared.moments import in_calendar
from shared.money import AMOUNT_MINOR_MAX, MoneyError, check_minor, exponent, parse_minor

# --- models --------------------------------------------------------------------------------


class StrictModel(BaseModel):
    """The base of every request body: an unknown field is answered 422.

    The text under a field is its description in the OpenAPI document.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True
    )


class AnswerModel(BaseModel):
    """The base of every answer.

    The text under a field is its description in the OpenAPI document.
    """

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


# Class arguments of a model that `create_model` makes. It has no source with descriptions, and
# pydantic's search for one takes longer than all else that makes the model.
WITHOUT_SOURCE: Final = {"use_attribute_docstrings": False}


# --- moments -------------------------------------------------------------------------------

_RFC_3339: Final = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})", re.ASCII
)


def parse_moment(value: object) -> datetime:
    """Return an RFC 3339 time with offset in UTC, to the microsecond.

    Raises `ValueError`, which says what to send.
    """
    if isinstance(value, datetime) and value.tzinfo is not None:
        return in_calendar(value)
    if not isinstance(value, str) or not _RFC_3339.fullmatch(value):
        raise ValueError("send a time with offset, such as 2026-03-01T12:00:00Z")
    try:
        moment = datetime.fromisoformat(value.upper())
    except ValueError:
        raise ValueError("this time does not exist") from None
    return in_calendar(moment)


Moment = Annotated[
    datetime,
    BeforeValidator(parse_moment),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]

# --- money ---------------------------------------------------------------------------------


def _check_currency(value: str) -> str:
    exponent(value)
    return value


Currency = Annotated[
    str,
    AfterValidator(_check_currency),
    WithJsonSchema({"type": "string", "pattern": "^[A-Z]{3}$"}),
]

_SEND: Final = (
    'send a decimal string such as "49.90", {"amount_minor": 4990} or {"amount": "49.90"}'
)
_MONEY_FIELDS: Final = ("amount", "amount_minor", "currency")
_CURRENCY_SCHEMA: Final = {
    "type": "string",
    "description": "The currency, where the field beside the amount does not name it.",
}
_MONEY_SCHEMA: Final[dict[str, Any]] = {
    "anyOf": [
        {"type": "string", "pattern": r"^-?[0-9]{1,15}(\.[0-9]{1,6})?$", "examples": ["49.90"]},
        {
            "type": "object",
            "properties": {
                "amount_minor": {
                    "type": "integer",
                    "minimum": -AMOUNT_MINOR_MAX,
                    "maximum": AMOUNT_MINOR_MAX,
                    "description": "The amount in minor units: 4990 is 49.90 EUR.",
                },
                "currency": _CURRENCY_SCHEMA,
            },
            "required": ["amount_minor"],
            "additionalProperties": False,
        },
        {
            "type": "object",
            "properties": {
                "amount": {
                    "type": "string",
                    "description": "The amount as a decimal, such as `49.90`.",
                },
                "currency": _CURRENCY_SCHEMA,
            },
            "required": ["amount"],
            "additionalProperties": False,
        },
    ]
}


@dataclass(frozen=True, slots=True)
class MoneyIn:
    """Money in a request: either a decimal string or minor units, with or without a currency.

    The currency of the body is another field, so `minor` computes the amount when both are known.
    """

    amount: str | None
    amount_minor: int | None
    currency: str | None = None

    @classmethod
    def parse(cls, value: object) -> Self:
        """Parse one of the three forms. Raises `ValueError`, which says what to send."""
        if isinstance(value, cls):
            return value
        if isinstance(value, str):
            return cls(amount=value, amount_minor=None)
        if not isinstance(value, dict):
            kind = "a JSON number loses cents" if isinstance(value, int | float) else "not money"
            raise ValueError(f"{kind}: {_SEND}")
        return cls._from_object(value)

    @classmethod
    def _from_object(cls, value: dict[str, Any]) -> Self:
        unknown = sorted(set(value) - set(_MONEY_FIELDS))
        if unknown:
            raise ValueError(f"unknown field {unknown[0]}")
        amount, amount_minor, currency = (value.get(name) for name in _MONEY_FIELDS)
        if (amount is None) == (amount_minor is None):
            raise ValueError(f"give amount or amount_minor, and only one of them: {_SEND}")
        if amount is not None and not isinstance(amount, str):
            raise ValueError(f"amount must be a string: {_SEND}")
        if amount_minor is not None and type(amount_minor) is not int:
            raise ValueError("amount_minor must be a whole number of minor units")
        if currency is not None and not isinstance(currency, str):
            raise ValueError("currency must be a string such as 'EUR'")
        return cls(amount, amount_minor, currency)

    def minor(self, field: str, body_currency: str | None = None) -> tuple[int, str]:
        """Return minor units and currency.

        Raises a 422 that names `field`, also if its own currency differs from the body's.
        """
        currency = self.currency or body_currency
        if currency is None:
            raise field_problem("currency", "is required, such as 'EUR'")
        if body_currency is not None and currency != body_currency:
            raise field_problem(f"{field}.currency", f"differs from the body's {body_currency}")
        try:
            exponent(currency)
        except MoneyError as error:
            where = f"{field}.currency" if self.currency else "currency"
            raise field_problem(where, str(error)) from None
        try:
            if self.amount is not None:
                return parse_minor(self.amount, currency), currency
            assert self.amount_minor is not None
            return check_minor(self.amount_minor), currency
        except MoneyError as error:
            raise field_problem(field, str(error)) from None

    @classmethod
    def __get_pydantic_core_schema__(
        cls, _source: Any, _handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Make `parse` the validator of pydantic, and show the three forms in the document."""
        return core_schema.no_info_plain_validator_function(
            cls.parse, metadata={"pydantic_js_functions": [lambda _schema, _handler: _MONEY_SCHEMA]}
        )


class MoneyOut(AnswerModel):
    """Money in an answer, always in this one form."""

    amount_minor: int
    """The amount in minor units of the currency: 4990 is 49.90 EUR."""
    currency: str
    """The currency, as ISO 4217 writes it."""


# --- lists ---------------------------------------------------------------------------------

LIMIT_DEFAULT: Final = 50
# 200 rows are read from one index range within milliseconds.
LIMIT_MAX: Final = 200
# A real cursor has less than 200 characters.
CURSOR_CHARACTERS_MAX: Final = 512

Item = TypeVar("Item")
CursorValue = str | int


class ListParameters(StrictModel):
    """The query parameters `cursor` and `limit`.

    Use it as `Annotated[ListParameters, Query()]`, which also refuses unknown parameters.
    """

    cursor: str | None = Field(default=None, max_length=CURSOR_CHARACTERS_MAX)
    """`next_cursor` of the page before; leave it out for the first page."""
    limit: int = Field(default=LIMIT_DEFAULT, ge=1, le=LIMIT_MAX)
    """The most items that the page may hold."""


# A page of each kind of item is a class without source, too.
class Page(AnswerModel, Generic[Item], use_attribute_docstrings=False):
    """One page of a list, newest first; `next_cursor` is null on the last page."""

    items: list[Item] = Field(description="The items of this page.")
    next_cursor: str | None = Field(
        default=None, description="Send it as `cursor` for the next page; null on the last page."
    )


def encode_cursor(*values: CursorValue) -> str:
    """Return an opaque cursor: the sort key of the last row of a page."""
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


def decode_cursor(cursor: str, kinds: Sequence[type[CursorValue]]) -> tuple[Any, ...]:
    """Return the values of a cursor after a check of their types. Raises a 422 of `cursor`."""
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        values = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError):
        raise _bad_cursor() from None
    if not isinstance(values, list) or [type(value) for value in values] != list(kinds):
        raise _bad_cursor()
    if any(isinstance(value, str) and not value.isprintable() for value in values):
        raise _bad_cursor()
    return tuple(values)


def _bad_cursor() -> Problem:
    return field_problem("cursor", "is not a cursor of this list; start again without one")
