"""Bodies and answers of costs: an amount, at most one owner, a local day, the days it serves."""

import re
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, create_model

from services.roi.wire.fields import EntityId, LocalDate, Named, Note, Stored
from shared.api.shapes import WITHOUT_SOURCE, MoneyIn, MoneyOut

CostKind = Literal[
    "fee",
    "commission",
    "product",
    "discount",
    "shipping",
    "production",
    "travel",
    "lodging",
    "agent",
    "tools",
    "staff_hours",
    "paid_boost",
]
CostSpread = Literal["equal", "clicks", "views", "credit"]
_HOURS: Final = re.compile(r"[0-9]{1,6}(\.[0-9]{1,2})?", re.ASCII)


def _parse_hours(value: object) -> Decimal:
    """Return a number of hours, sent as a decimal string or a JSON number."""
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise ValueError(_SEND_HOURS)
    text = str(value)
    if not _HOURS.fullmatch(text) or not Decimal(text):
        raise ValueError(_SEND_HOURS)
    return Decimal(text)


_SEND_HOURS: Final = 'send hours above 0 with at most 2 decimals, such as "7.5"'
Hours = Annotated[
    Decimal,
    BeforeValidator(_parse_hours),
    WithJsonSchema(
        {"anyOf": [{"type": "string"}, {"type": "number", "exclusiveMinimum": 0}]},
    ),
]


class _CostBody(Named):
    """A cost as sent: an amount, or hours and their rate, and at most one owner."""

    kind: CostKind
    """What the money was spent on."""
    amount: MoneyIn | None = None
    """How much was spent. Give this, or `amount_minor`, or `hours` and `rate`."""
    amount_minor: Annotated[int, Field(strict=True)] | None = None
    """How much was spent, in minor units of `currency`."""
    hours: Hours | None = None
    """How many hours were worked: the amount is `hours` times `rate`."""
    rate: MoneyIn | None = None
    """What one hour costs."""
    currency: str | None = None
    """The currency of the amount."""
    placement_id: EntityId | None = None
    """The placement that owns it."""
    creator_id: EntityId | None = None
    """The creator that owns it."""
    campaign_id: EntityId | None = None
    """The campaign that owns it. A cost without an owner is overhead."""
    agent_id: EntityId | None = None
    """The agent that it was paid to; it owns no part of it."""
    boosts_placement_id: EntityId | None = None
    """The placement whose content was boosted; only of a `paid_boost`. It changes no owner."""
    incurred_on: LocalDate | None = None
    """The local day on which it was spent; today when left out."""
    to: LocalDate | None = None
    """The last local day that it serves; the end of the month when left out, see `from`."""
    spread: CostSpread = "equal"
    """How its placements share it: equally, by their clicks or their reported views in its days, or
    by the net that the model `last` credits to them in its days, in its currency. Without any they
    share it equally."""
    paid_on: LocalDate | None = None
    """The local day on which it was paid."""
    retail_value: MoneyIn | None = None
    """What a gift would have cost in the shop; it is no cost."""
    note: Note | None = None
    """A sentence for people."""


class _CostAnswer(Stored):
    """A cost as answered."""

    kind: CostKind
    """What the money was spent on."""
    amount: MoneyOut
    """How much was spent."""
    hours: float | None
    """How many hours were worked."""
    rate: MoneyOut | None
    """What one hour costs."""
    currency: str
    """The currency of the amount."""
    placement_id: str | None
    """The placement that owns it."""
    creator_id: str | None
    """The creator that owns it."""
    campaign_id: str | None
    """The campaign that owns it. A cost without an owner is overhead."""
    agent_id: str | None
    """The agent that it was paid to."""
    boosts_placement_id: str | None
    """The placement whose content was boosted."""
    incurred_on: LocalDate
    """The local day on which it was spent."""
    to: LocalDate
    """The last local day that it serves."""
    spread: CostSpread
    """How its placements share it."""
    paid_on: LocalDate | None
    """The local day on which it was paid."""
    retail_value: MoneyOut | None
    """What a gift would have cost in the shop; it is no cost."""
    note: str | None
    """A sentence for people."""


# `from` is a word of Python, so no class statement can name a field like that.
_FROM_SENT: Final = (
    "The first local day that it serves; when left out, that of the month of `incurred_on`, within"
    " the dates of its campaign. The placements of its owner that were published by the last day"
    " share it."
)
_FROM_ANSWERED: Final = "The first local day that it serves."

if TYPE_CHECKING:
    CostBody = _CostBody
    CostAnswer = _CostAnswer
else:
    _given: Any = (LocalDate | None, Field(None, description=_FROM_SENT))
    _shown: Any = (date, Field(description=_FROM_ANSWERED))
    CostBody = create_model(
        "CostBody",
        __base__=_CostBody,
        __doc__=_CostBody.__doc__,
        __cls_kwargs__=WITHOUT_SOURCE,
        **{"from": _given},
    )
    CostAnswer = create_model(
        "CostAnswer",
        __base__=_CostAnswer,
        __doc__=_CostAnswer.__doc__,
        __cls_kwargs__=WITHOUT_SOURCE,
        **{"from": _shown},
    )
