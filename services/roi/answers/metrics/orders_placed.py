"""Metric `orders_placed`: purchases and renewals, whatever became of them."""

from fractions import Fraction
from typing import Final

from services.roi.answers.kinds import Example, Metric
from services.roi.answers.values import Ratio, Unit
from shared.credits import UNITS_PER_CONVERSION

ORDERS_PLACED: Final = Metric(
    id="orders_placed",
    version=1,
    name="Orders placed",
    formula=(
        "sum of credited purchases and renewals, also of those that were cancelled or given back"
    ),
    inputs=("placed_paid_units",),
    basis="credited by the model, when the order was placed",
    unit=Unit.CONVERSIONS,
    per_currency=False,
    additive=True,
    empty_value="0 when nothing was credited",
    source="Laurel's ledger: placed units in millionths of a conversion",
    compute=lambda units: Ratio(units, UNITS_PER_CONVERSION),
    example=Example({"placed_paid_units": 11_500_000}, Fraction(23, 2)),
)
