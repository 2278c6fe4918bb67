"""Metric `conversions`: credited conversions, which may be fractions."""

from fractions import Fraction
from typing import Final

from services.roi.answers.kinds import Example, Metric
from services.roi.answers.values import Ratio, Unit
from shared.credits import UNITS_PER_CONVERSION

CONVERSIONS: Final = Metric(
    id="conversions",
    version=1,
    name="Conversions",
    formula=(
        "sum of credited conversions of every kind that were kept: not cancelled, not given back"
        " whole; a shared conversion counts by its shares"
    ),
    inputs=("units",),
    basis="credited by the model",
    unit=Unit.CONVERSIONS,
    per_currency=False,
    additive=True,
    empty_value="0 when nothing was credited",
    source="Laurel's ledger: units in millionths of a conversion",
    compute=lambda units: Ratio(units, UNITS_PER_CONVERSION),
    example=Example({"units": 12_500_000}, Fraction(25, 2)),
)
