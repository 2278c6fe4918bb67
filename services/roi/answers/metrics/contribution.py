"""Metric `contribution`: net revenue times margin, before cost."""

from typing import Final

from services.roi.answers.intervals import of_orders
from services.roi.answers.kinds import Example, Layer, Metric
from services.roi.answers.values import Unit

CONTRIBUTION: Final = Metric(
    id="contribution",
    version=1,
    name="Contribution",
    formula="net_revenue × margin; margin is that of the policy valid at the day of the figure",
    inputs=("contribution",),
    basis="booked: net revenue × margin",
    unit=Unit.MONEY,
    per_currency=True,
    additive=True,
    empty_value=(
        "0 when nothing was credited; null when an exchange rate is missing, never 0 and never 1:1"
    ),
    source=(
        "Farris, Bendle, Pfeifer, Reibstein, Marketing Metrics, 2nd ed., chapter 3: contribution"
    ),
    compute=lambda contribution: contribution,
    example=Example({"contribution": 1_000_000}, 1_000_000),
    layer=Layer.BOOKED,
    by_default=False,
    interval=of_orders(
        "contribution", "contribution_squares", "revenue_without_net", "paid_units_in_currency"
    ),
)
