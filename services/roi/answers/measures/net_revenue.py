"""Measure `net_revenue`: credited net amounts in minor units, from the ledger."""

from typing import Final

from sqlalchemy import func

from services.roi.answers.kinds import Fact, Measure
from services.roi.answers.values import Unit

NET_REVENUE: Final = Measure(
    id="net_revenue",
    sentence="Credited net amounts: goods less discounts, without tax and shipping.",
    unit=Unit.MONEY,
    fact=Fact.CREDITS,
    total=lambda row: func.sum(row.amount_minor),
    per_currency=True,
    rank=1,
)
