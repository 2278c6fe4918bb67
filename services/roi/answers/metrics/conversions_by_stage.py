"""Metrics `purchases`, `retained_orders`, `advocacy_conversions`: conversions of one late stage.

By the default stage map a first order is of the stage purchase, and later orders and renewals are
of retention. A policy may map kinds otherwise.
"""

from fractions import Fraction
from typing import Final

from services.roi.answers.kinds import Example, Metric
from services.roi.answers.values import Ratio, Unit
from shared.credits import UNITS_PER_CONVERSION
from shared.events import Stage


def _at(metric_id: str, stage: Stage, name: str, leads_stage: int) -> Metric:
    return Metric(
        id=metric_id,
        version=1,
        name=name,
        formula=f"sum of credited conversions of the stage {stage} that were kept",
        inputs=(metric_id,),
        basis="credited by the model, after adjustments",
        unit=Unit.CONVERSIONS,
        per_currency=False,
        additive=True,
        empty_value="0 when nothing was credited",
        source="Laurel's ledger: units in millionths of a conversion, by the policy's stage map",
        compute=lambda units: Ratio(units, UNITS_PER_CONVERSION),
        example=Example({metric_id: 1_500_000}, Fraction(3, 2)),
        stage=stage,
        leads_stage=leads_stage,
        by_default=False,
    )


PURCHASES: Final = _at("purchases", "purchase", "First orders", 1)
RETAINED_ORDERS: Final = _at("retained_orders", "retention", "Later orders and renewals", 1)
ADVOCACY_CONVERSIONS: Final = _at(
    "advocacy_conversions", "advocacy", "Conversions of the stage advocacy", 2
)
