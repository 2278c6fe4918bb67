"""Metrics `modelled_return`, `modelled_at_consideration`, `open_leads`: what open leads may bring.

They are of the layer `modelled`, which is never added to another one without saying so. What leads
brought already is booked, and no part of it.
"""

from fractions import Fraction
from typing import Final

from services.roi.answers.kinds import Example, Layer, Metric
from services.roi.answers.values import Ratio, Unit
from shared.credits import UNITS_PER_CONVERSION
from shared.events import Stage

_FORMULA: Final = (
    "Σ open leads and sign-ups × the mean 90-day contribution of matured ones that had not bought"
    " at their age"
)
_SOURCE: Final = (
    "Farris, Bendle, Pfeifer, Reibstein, Marketing Metrics, 2nd ed., chapter 5: prospect lifetime"
    " value, measured on matured leads"
)

_NO_INTERVAL: Final = (
    "the worth of a lead is a mean over the matured ones; how far it may be off is not measured"
)


def _known(open_units: int, amount: int | None, lacking: int) -> int | None:
    """Return the amount; None without an open lead, or where one has no worth."""
    return amount if open_units and not lacking else None


def _counted(open_units: int, uncounted: int) -> Ratio | None:
    """Return the open leads; None where there are too many leads to find them."""
    return None if uncounted else Ratio(open_units, UNITS_PER_CONVERSION)


def _modelled(metric_id: str, name: str, stage: Stage | None) -> Metric:
    return Metric(
        id=metric_id,
        version=1,
        name=name,
        formula=_FORMULA,
        inputs=("open_leads", "modelled_at_consideration", "leads_without_worth"),
        basis="modelled: contribution (net_revenue × margin) of earlier leads under the model last",
        unit=Unit.MONEY,
        per_currency=True,
        additive=True,
        empty_value="null without an open lead, and with fewer than 30 matured ones; never 0",
        source=_SOURCE,
        compute=_known,
        # Two and a half open leads, each worth 40.00.
        example=Example(
            {
                "open_leads": 2_500_000,
                "modelled_at_consideration": 10_000,
                "leads_without_worth": 0,
            },
            10_000,
        ),
        stage=stage,
        layer=Layer.MODELLED,
        by_default=False,
        may_be_missing=True,
        no_interval=_NO_INTERVAL,
    )


AT_CONSIDERATION: Final = _modelled(
    "modelled_at_consideration", "Modelled return of the stage consideration", "consideration"
)
MODELLED_RETURN: Final = _modelled("modelled_return", "Modelled return", None)
OPEN_LEADS: Final = Metric(
    id="open_leads",
    version=1,
    name="Open leads",
    formula=(
        "credited leads and sign-ups under 90 days whose person has not bought; one for each person"
    ),
    inputs=("open_leads", "open_leads_without_count"),
    basis="credited by the model",
    unit=Unit.CONVERSIONS,
    per_currency=False,
    additive=True,
    empty_value="0 when no lead is open; null with more leads than are looked at, never 0",
    source="Laurel's ledger: units in millionths of a conversion",
    compute=_counted,
    example=Example({"open_leads": 2_500_000, "open_leads_without_count": 0}, Fraction(5, 2)),
    by_default=False,
    may_be_missing=True,
)
