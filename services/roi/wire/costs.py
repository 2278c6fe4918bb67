"""Bodies and answers of costs.

Promise: an amount is minor units of a currency that was named; a cost has exactly one owner and one local day.
"""

from typing import Annotated, Literal

from pydantic import Field

from services.roi.wire.fields import EntityId, LocalDate, Named, Note, Stored
from shared.http.wire import MoneyIn, MoneyOut

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
    """A cost as sent: `amount`, or `amount_minor` beside `currency`; exactly one owner; `incurred_on` is today when left out."""

    kind: CostKind
    amount: MoneyIn | None = None
    amount_minor: Annotated[int, Field(strict=True)] | None = None
    currency: str | None = None
    placement_id: EntityId | None = None
    creator_id: EntityId | None = None
    campaign_id: EntityId | None = None
    incurred_on: LocalDate | None = None
    note: Note | None = None


class CostAnswer(Stored):
    """A cost as answered."""

    kind: CostKind
    amount: MoneyOut
    currency: str
    placement_id: str | None
    creator_id: str | None
    campaign_id: str | None
    incurred_on: LocalDate
    note: str | None
