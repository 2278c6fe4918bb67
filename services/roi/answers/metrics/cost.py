"""Metric `cost`: costs by the day they were incurred on."""

from typing import Final

from services.roi.answers.kinds import Example, Metric
from services.roi.answers.values import Unit

COST: Final = Metric(
    id="cost",
    version=2,
    name="Cost",
    formula=(
        "sum of costs by incurred_on, each spread equally over the placements of its owner that"
        " were published by the end of the days that it serves"
    ),
    inputs=("cost",),
    basis="accrual",
    unit=Unit.MONEY,
    per_currency=True,
    additive=True,
    empty_value=(
        "0 when nothing happened; null when an exchange rate is missing, never 0 and never 1:1"
    ),
    source="Laurel's catalog: costs as they were entered",
    compute=lambda cost: cost,
    example=Example({"cost": 1_000_000}, 1_000_000),
)
