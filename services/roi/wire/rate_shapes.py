"""Bodies and answers of rates: what a currency is worth in another, and what a unit is worth.

Promise: an amount is an exact decimal above 0: of an exchange rate with at most 12 decimals, of a
value rate with at most 6.
"""

import re
from decimal import Decimal
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, WithJsonSchema

from services.roi.wire.fields import LocalDate, Named, Stored, Word

RateKind = Literal["exchange", "value"]
ValuedUnit = Literal["impression", "view", "like", "comment", "share", "save", "visit", "lead"]
EXCHANGE_DECIMALS_MAX: Final = 12
VALUE_DECIMALS_MAX: Final = 6
_AMOUNT: Final = re.compile(r"[0-9]{1,12}(\.[0-9]{1,12})?", re.ASCII)
_SEND: Final = 'send a decimal string above 0 with at most 12 decimals, such as "0.9213"'


def _parse_amount(value: object) -> Decimal:
    if isinstance(value, Decimal):
        return value
    if not isinstance(value, str) or not _AMOUNT.fullmatch(value) or not Decimal(value):
        raise ValueError(_SEND)
    return Decimal(value)


RateAmount = Annotated[
    Decimal,
    BeforeValidator(_parse_amount),
    WithJsonSchema({"type": "string", "pattern": r"^[0-9]{1,12}(\.[0-9]{1,12})?$"}),
]


class RateBody(Named):
    """A rate as sent: `exchange` (of two currencies) or `value` (of a unit of attention)."""

    kind: RateKind
    """`exchange`: one unit of `currency` in the workspace's currency. `value`: what one `per` is
    assumed to be worth: the layer `assumed` of the funnel."""
    currency: str | None = None
    """The currency that is exchanged; of a value rate the currency of its amount, the workspace's
    when left out."""
    per: ValuedUnit | None = None
    """What one of is worth the amount; only of a value rate. A `visit` is a click on a link."""
    platform: Word | None = None
    """The platform that it holds for, such as `instagram`; on all others one without holds. Only of
    a value rate."""
    amount: RateAmount
    """How much one unit is worth, as a decimal string; of a value rate with at most 6 decimals."""
    valid_from: LocalDate
    """The first local day that it holds, until the next rate of the same kind. Of two with one day
    the later recorded one holds."""


class RateAnswer(Stored):
    """A rate as answered."""

    kind: RateKind
    """`exchange` of two currencies, or `value` of a unit."""
    currency: str
    """The currency that is exchanged, or that of the amount."""
    into: str | None
    """The currency of the amount of an exchange rate: the workspace's when it was made."""
    per: ValuedUnit | None
    """What one of is worth the amount."""
    platform: str | None
    """The platform that it holds for; null for all others."""
    amount: str
    """How much one unit is worth."""
    valid_from: LocalDate
    """The first local day that it holds."""
