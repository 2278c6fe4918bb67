"""Metric `orders_kept`: purchases and renewals that were not cancelled and not given back whole."""

from fractions import Fraction
from typing import Final

from services.roi.answers.kinds import Example, Metric
from services.roi.answers.values import Ratio, Unit
from shared.credits import UNITS_PER_CONVERSION

ORDERS_KEPT: Final = Metric(
    id="orders_kept",
    version=1,
    name="Orders kept",
    formula=(
        "sum of credited purchases and renewals that were not cancelled and not given back whole"
    ),
    inputs=("paid_units",),
    basis="credited by the model, after adjustments",
    unit=Unit.CONVERSIONS,
    per_currency=False,
    additive=True,
    empty_value="0 when nothing was credited",
    source="Laurel's ledger: units in millionths of a conversion",
    compute=lambda units: Ratio(units, UNITS_PER_CONVERSION),
    example=Example({"paid_units": 10_500_000}, Fraction(21, 2)),
)
