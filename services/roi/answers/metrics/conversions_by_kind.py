"""Metrics `leads`, `sign_ups`, `downloads`: credited conversions of one kind, maybe fractions."""

from fractions import Fraction
from typing import Final

from services.roi.answers.kinds import Example, Metric
from services.roi.answers.values import Ratio, Unit
from shared.credits import UNITS_PER_CONVERSION


def _of_kind(metric_id: str, name: str) -> Metric:
    return Metric(
        id=metric_id,
        version=1,
        name=name,
        formula=f"sum of credited {name.lower()}; a shared one counts by its shares",
        inputs=(metric_id,),
        basis="credited by the model",
        unit=Unit.CONVERSIONS,
        per_currency=False,
        additive=True,
        empty_value="0 when nothing was credited",
        source="Laurel's ledger: units in millionths of a conversion",
        compute=lambda units: Ratio(units, UNITS_PER_CONVERSION),
        example=Example({metric_id: 1_500_000}, Fraction(3, 2)),
        stage="consideration",
        by_default=False,
    )


LEADS: Final = _of_kind("leads", "Leads")
SIGN_UPS: Final = _of_kind("sign_ups", "Sign-ups")
DOWNLOADS: Final = _of_kind("downloads", "Downloads")
