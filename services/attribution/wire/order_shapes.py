"""The body of the list of orders: each conversion as it stands, with who was credited."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from services.attribution.wire.answer_shapes import money
from services.attribution.wire.decision_bytes import decode_standing
from shared.api.shapes import AnswerModel, MoneyOut
from shared.credits import ORGANIC

# The model whose credits the list shows; explanations have all of them.
MODEL: Final = "last"


class OrderCredit(AnswerModel):
    """The credit of one placement, or of no content."""

    model: str
    """The credit model: `last`."""
    creator_id: str | None
    """The creator; null for own content and for `organic`."""
    placement_id: str | None
    """The placement; null for `organic`."""
    amount: MoneyOut | None
    """What it was credited with; null for a conversion without money."""


class OrderAnswer(AnswerModel):
    """One order or other conversion as it stands."""

    order_id: str
    """The id of the order, or of another conversion; `text:` and a hash for an id with an `@`."""
    store: str
    """The store: `main`, or the id of another one."""
    kind: str
    """The kind of the conversion."""
    occurred_at: datetime
    """When it happened."""
    net: MoneyOut | None
    """Its net amount after adjustments; null for a conversion without money."""
    status: str
    """How it stands: credited, organic, awaiting_order, unconfirmed, test or history."""
    new_customer: bool | None
    """Whether its customer had not bought before; null when that is not known."""
    credits: list[OrderCredit]
    """Who was credited by the model `last`, the greatest amount first."""
    attention: list[str]
    """The kinds of `GET /v1/attention` that have something of it."""


def accounts_in(standing: bytes) -> set[str]:
    """Return the placements that an order is credited to."""
    return {entry.account for entry in decode_standing(standing)} - {ORGANIC}


def credits_in(
    standing: bytes, currency: str | None, creators: Mapping[str, str | None]
) -> list[OrderCredit]:
    """Return the credits of one order; `creators` has the creator of each placement."""
    sums: defaultdict[str, int] = defaultdict(int)
    for entry in decode_standing(standing):
        if entry.model == MODEL:
            sums[entry.account] += entry.amount_minor
    return [
        OrderCredit(
            model=MODEL,
            creator_id=creators.get(account),
            placement_id=None if account == ORGANIC else account,
            amount=money(amount, currency),
        )
        for account, amount in sorted(sums.items(), key=lambda item: (-item[1], item[0]))
    ]
