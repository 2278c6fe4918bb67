"""What further calls must answer for the month of facts, in exact fractions: stages, counts, views.

Promise: as in `brand_month.py`, every sum is of the list of facts alone.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from fractions import Fraction
from typing import Final

from tests.integration.brand_month import (
    ALL,
    COSTS,
    COUNTS,
    DAYS,
    ENGAGEMENTS,
    FIRST,
    MARGIN,
    BrandMonth,
    Content,
    Days,
    Sale,
    Where,
    summed,
)

# The volumes that a rate from stage to stage is taken of; the first that is known leads.
LEADING: Final = {
    "awareness": ("impressions", "views"),
    "engagement": ("engagements",),
    "consideration": ("clicks",),
    "purchase": ("purchases",),
    "retention": ("retained_orders",),
    "advocacy": ("referrals",),
}
# Unit cost: what the cost is divided by, for how many of it.
UNIT_COSTS: Final = {
    "cpm": ("impressions", 1_000),
    "cpv": ("views", 1),
    "cpe": ("engagements", 1),
    "cpc": ("clicks", 1),
    "cost_per_lead": ("leads", 1),
    "cpa": ("orders", 1),
    "cost_per_retained_order": ("retained_orders", 1),
}
VOLUME_OF: Final = {"lead": "leads", "purchase": "purchases", "renewal": "retained_orders"}


@dataclass
class Journey:
    """One row of the funnel: volumes (absent: nobody reported it), booked returns, cost."""

    volumes: dict[str, Fraction] = field(default_factory=dict)
    booked: dict[str, Fraction] = field(default_factory=lambda: dict.fromkeys(LEADING, Fraction(0)))
    cost: Fraction = Fraction(0)

    def add(self, name: str, amount: Fraction) -> None:
        """Add to a volume."""
        self.volumes[name] = self.volumes.get(name, Fraction(0)) + amount

    def known(self, name: str) -> Fraction | None:
        """Return a volume, None where nobody reported it; `orders` are first and later ones."""
        if name == "orders":
            return self.volumes["purchases"] + self.volumes["retained_orders"]
        return self.volumes.get(name)

    def leading(self, stage: str) -> Fraction | None:
        """Return the volume that leads a stage."""
        known = (self.volumes[name] for name in LEADING[stage] if name in self.volumes)
        return next(known, None)


def newest_counts() -> dict[str, dict[str, int]]:
    """Return what the last report of each placement and count tells."""
    newest: dict[str, dict[str, int]] = {}
    for report in sorted(COUNTS, key=lambda one: one.day):
        newest.setdefault(report.slug, {}).update(report.counts)
    return newest


def journeys(month: BrandMonth, row_of: Callable[[Where], str | None]) -> dict[str, Journey]:
    """Return the funnel of each row."""
    rows: dict[str, Journey] = {}
    for label, figure in summed(month, row_of).items():
        journey = rows.setdefault(label, Journey())
        journey.cost = figure["cost"]
        # What Laurel counts itself is never unknown.
        for name in (*VOLUME_OF.values(), "sign_ups", "downloads", "referrals"):
            journey.add(name, Fraction(0))
        journey.add("advocacy_conversions", Fraction(0))
        journey.add("clicks", figure["clicks"])
    for account, sale, share in earned(month):
        label = row_of((account, None if account else "organic", None, sale.at.date())) or ""
        if label in rows and sale.counts:
            rows[label].add(VOLUME_OF[sale.kind], share)
            rows[label].booked[sale.stage] += sale.kept_minor * share * MARGIN
    for slug, counts in newest_counts().items():
        label = row_of((ALL[slug], None, None, FIRST)) or ""
        for name, count in counts.items():
            rows[label].add(name, Fraction(count))
            if name in ENGAGEMENTS:
                rows[label].add("engagements", Fraction(count))
    return rows


def earned(month: BrandMonth) -> Iterator[tuple[Content | None, Sale, Fraction]]:
    """Yield each sale, who earned it (None: nobody), and which share."""
    for sale in month.sales:
        if not sale.earned_by:
            yield None, sale, Fraction(1)
        for slug in sale.earned_by:
            yield ALL[slug], sale, Fraction(1, len(sale.earned_by))


def accrued(days: Days) -> int:
    """Return the cost of some days: each cost of the month serves the month, the same each day.

    What is left of a division is on the first days.
    """
    before, until = (days[0] - FIRST).days, (days[1] - FIRST).days + 1
    found = 0
    for spent in COSTS:
        each, left = divmod(spent.minor, DAYS)
        found += each * (until - before) + min(until, left) - min(before, left)
    return found


def paid(days: Days) -> int:
    """Return the cost that was paid in some days."""
    return sum(
        spent.minor
        for spent in COSTS
        if spent.paid_day is not None
        and days[0] <= FIRST + timedelta(days=spent.paid_day) <= days[1]
    )
