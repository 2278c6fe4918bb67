"""Measure `cost`: costs by `incurred_on`, spread equally over the placements of their owner."""

from typing import Final

from services.roi.answers.kinds import Fact, Measure
from services.roi.answers.values import Unit

COST: Final = Measure(
    id="cost",
    sentence="Costs by the day they were incurred on, spread equally over the owner's placements.",
    unit=Unit.MONEY,
    fact=Fact.COSTS,
    total=lambda row: row.amount_minor,
    per_currency=True,
)
