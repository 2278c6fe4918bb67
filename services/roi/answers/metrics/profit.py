"""Metric `profit`: contribution less cost."""

from typing import Final

from services.roi.answers.kinds import Example, Metric
from services.roi.answers.metrics.contribution import CONTRIBUTION
from services.roi.answers.values import Unit


def profit_minor(contribution_minor: int | None, cost_minor: int | None) -> int | None:
    """Return contribution less cost in minor units; None when either is missing."""
    if contribution_minor is None or cost_minor is None:
        return None
    return contribution_minor - cost_minor


PROFIT: Final = Metric(
    id="profit",
    version=1,
    name="Profit",
    formula=(
        "net_revenue × margin − cost; margin is that of the policy valid at the day of the figure"
    ),
    inputs=(
        "contribution",
        "cost",
    ),
    basis=(
        "booked: net revenue (subtotal − discount, without tax and shipping, after adjustments)"
        " × margin"
    ),
    unit=Unit.MONEY,
    per_currency=True,
    additive=True,
    empty_value=(
        "0 when nothing happened; null when an exchange rate is missing, never 0 and never 1:1"
    ),
    source=(
        "Farris, Bendle, Pfeifer, Reibstein, Marketing Metrics, 2nd ed.,"
        " chapter 3: contribution − cost"
    ),
    compute=profit_minor,
    example=Example({"contribution": 1_000_000, "cost": 1_250_000}, -250_000),
    interval=CONTRIBUTION.interval,
)
