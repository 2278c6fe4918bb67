"""Measure `cost`: costs by `incurred_on`, shared equally by their owner's published placements."""

from typing import Final

from services.roi.answers.kinds import Fact, Measure
from services.roi.answers.values import Unit

COST: Final = Measure(
    id="cost",
    sentence=(
        "Costs by the day they were incurred on, shared equally by the placements of their owner"
        " that were published by the end of the days that they serve."
    ),
    unit=Unit.MONEY,
    fact=Fact.COSTS,
    total=lambda row: row.amount_minor,
    per_currency=True,
)
