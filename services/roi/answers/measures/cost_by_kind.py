"""Measures of costs of one kind, such as fees or paid boosts; together they are `cost`.

Each cost is of one kind and spread by itself, so the kinds add up to the cost of every row. Where a
currency was asked for, each kind is rounded by itself.
"""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import case

from services.roi.answers.kinds import Fact, Measure
from services.roi.answers.values import Unit


def _of_kind(kind: str, words: str) -> Measure:
    return Measure(
        id=f"cost_of_{kind}",
        sentence=f"Costs of the kind {kind} ({words}), spread as `cost` is.",
        unit=Unit.MONEY,
        fact=Fact.COSTS,
        total=lambda row: case((row.kind == kind, row.amount_minor), else_=0),
        per_currency=True,
    )


FEE: Final = _of_kind("fee", "what a creator is paid for the work")
COMMISSION: Final = _of_kind("commission", "what a creator is paid for sales")
PRODUCT: Final = _of_kind("product", "goods given, at cost")
DISCOUNT: Final = _of_kind("discount", "what codes gave away")
SHIPPING: Final = _of_kind("shipping", "sending goods to creators")
PRODUCTION: Final = _of_kind("production", "making content")
TRAVEL: Final = _of_kind("travel", "journeys")
LODGING: Final = _of_kind("lodging", "hotels")
AGENT: Final = _of_kind("agent", "what agents of creators take")
TOOLS: Final = _of_kind("tools", "software and services")
STAFF_HOURS: Final = _of_kind("staff_hours", "hours of the brand's people times their rate")
PAID_BOOST: Final = _of_kind("paid_boost", "media paid to show content to more people")

COSTS_BY_KIND: Final[Sequence[Measure]] = (
    FEE,
    COMMISSION,
    PRODUCT,
    DISCOUNT,
    SHIPPING,
    PRODUCTION,
    TRAVEL,
    LODGING,
    AGENT,
    TOOLS,
    STAFF_HOURS,
    PAID_BOOST,
)
