"""Bodies and answers of costs: an amount, one owner and one local day."""

from typing import Annotated, Literal

from pydantic import Field

from services.roi.wire.fields import EntityId, LocalDate, Named, Note, Stored
from shared.api.shapes import MoneyIn, MoneyOut

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


class CostBody(Named):
    """A cost as sent: `amount`, or `amount_minor` with `currency`, and exactly one owner."""

    kind: CostKind
    """What the money was spent on."""
    amount: MoneyIn | None = None
    """How much was spent. Give this or `amount_minor`."""
    amount_minor: Annotated[int, Field(strict=True)] | None = None
    """How much was spent, in minor units of `currency`."""
    currency: str | None = None
    """The currency of the amount."""
    placement_id: EntityId | None = None
    """The placement that owns it."""
    creator_id: EntityId | None = None
    """The creator that owns it."""
    campaign_id: EntityId | None = None
    """The campaign that owns it."""
    incurred_on: LocalDate | None = None
    """The local day on which it was spent; today when left out."""
    note: Note | None = None
    """A sentence for people."""


class CostAnswer(Stored):
    """A cost as answered."""

    kind: CostKind
    """What the money was spent on."""
    amount: MoneyOut
    """How much was spent."""
    currency: str
    """The currency of the amount."""
    placement_id: str | None
    """The placement that owns it."""
    creator_id: str | None
    """The creator that owns it."""
    campaign_id: str | None
    """The campaign that owns it."""
    incurred_on: LocalDate
    """The local day on which it was spent."""
    note: str | None
    """A sentence for people."""
