"""Measures of credited conversions in millionths: all, paid, paid in one currency, and placed.

All but `placed_paid_units` count what was kept: not cancelled and not given back whole.
"""

from typing import Final

from sqlalchemy import func

from services.roi.answers.kinds import Fact, Measure, Only
from services.roi.answers.values import Unit

PAID: Final = Only("conversion_kind", ("purchase", "renewal"))

UNITS: Final = Measure(
    id="units",
    sentence="Credited conversions of every kind, in millionths of a conversion.",
    unit=Unit.CONVERSIONS,
    fact=Fact.CREDITS,
    total=lambda row: func.sum(row.units),
    rank=2,
)
PAID_UNITS: Final = Measure(
    id="paid_units",
    sentence="Credited purchases and renewals in any currency, in millionths.",
    unit=Unit.CONVERSIONS,
    fact=Fact.CREDITS,
    total=lambda row: func.sum(row.units),
    only=PAID,
)
PLACED_PAID_UNITS: Final = Measure(
    id="placed_paid_units",
    sentence="Credited purchases and renewals, also those that were not kept, in millionths.",
    unit=Unit.CONVERSIONS,
    fact=Fact.CREDITS,
    # An entry of version 1 does not tell what was placed.
    total=lambda row: func.sum(func.coalesce(row.placed_units, row.units)),
    only=PAID,
)
PAID_UNITS_IN_CURRENCY: Final = Measure(
    id="paid_units_in_currency",
    sentence="Credited purchases and renewals of one currency, in millionths.",
    unit=Unit.CONVERSIONS,
    fact=Fact.CREDITS,
    total=lambda row: func.sum(row.units),
    per_currency=True,
    only=PAID,
)
