"""Measure `contribution`: net revenue times the margin of the policy on its local day.

The sum is exact, in millionths of a minor unit. An answer rounds the rows to whole minor units by
largest remainder, so that they add up to the rounded total.
"""

from typing import Final

from sqlalchemy import func

from services.roi.answers.catalog_facts import MARGIN_ONE_MILLIONTHS
from services.roi.answers.kinds import Fact, Measure
from services.roi.answers.measures.net_revenue import NET_REVENUE
from services.roi.answers.values import Unit

CONTRIBUTION: Final = Measure(
    id="contribution",
    sentence="Credited net amounts times the margin of their day.",
    unit=Unit.MONEY,
    fact=Fact.CREDITS,
    # Rows of one margin are summed together, so the margin is taken once: the sum is a numeric.
    total=lambda row: func.sum(row.amount_minor) * func.max(row.margin_millionths),
    per_currency=True,
    weighted_by_margin=True,
    parts=MARGIN_ONE_MILLIONTHS,
    converted_with=NET_REVENUE.id,
)
