"""Measures for intervals: the sums of squares of net revenue and of contribution.

The square of a credit is its amount times the net of its whole conversion, in square minor units.
So it adds over any grouping, and a reversal takes it away again. Contribution has it times the
margin twice. An entry of version 1 does not tell the net: its amount is summed as
`revenue_without_net`, and no interval is made of a sum that is not all known.
"""

from typing import Final

from sqlalchemy import Numeric, cast, func

from services.roi.answers.catalog_facts import MARGIN_ONE_MILLIONTHS
from services.roi.answers.kinds import Fact, Measure
from services.roi.answers.measures.net_revenue import NET_REVENUE
from services.roi.answers.values import Unit

NET_REVENUE_SQUARES: Final = Measure(
    id="net_revenue_squares",
    sentence="Credited net amounts times the net of their conversion.",
    unit=Unit.MONEY,
    power=2,
    fact=Fact.CREDITS,
    total=lambda row: func.sum(row.amount_times_net),
    per_currency=True,
    converted_with=NET_REVENUE.id,
)
CONTRIBUTION_SQUARES: Final = Measure(
    id="contribution_squares",
    sentence="Credited net amounts times the net of their conversion, times the margin twice.",
    unit=Unit.MONEY,
    power=2,
    fact=Fact.CREDITS,
    total=lambda row: (
        func.sum(row.amount_times_net)
        * cast(func.max(row.margin_millionths), Numeric)
        * func.max(row.margin_millionths)
    ),
    per_currency=True,
    weighted_by_margin=True,
    parts=MARGIN_ONE_MILLIONTHS**2,
    converted_with=NET_REVENUE.id,
)
REVENUE_WITHOUT_NET: Final = Measure(
    id="revenue_without_net",
    sentence="Credited net amounts whose conversion's net is not known.",
    unit=Unit.MONEY,
    fact=Fact.CREDITS,
    total=lambda row: func.sum(row.amount_without_net),
    per_currency=True,
    converted_with=NET_REVENUE.id,
)
