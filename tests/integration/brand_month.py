"""A brand's month as a list of facts: who sold what by which evidence, and what was spent on whom.

Promise: each sale names the placements that earned it, so sums over the list need no rule of
crediting. What a figure of Laurel must be is summed here from the list alone, in exact fractions,
and the list is what is sent. Amounts are chosen so that no cent has to be rounded. A new kind of
fact is a function that adds sales, such as `_shared`.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from typing import Final

# The last whole month.
LAST: Final = datetime.now(UTC).date().replace(day=1) - timedelta(days=1)
FIRST: Final = LAST.replace(day=1)
DAYS: Final = LAST.day
MARGIN: Final = Fraction(2, 5)
# Money in parts of this many minor units: two creators share it, and 40 % of it is whole.
STEP_MINOR: Final = 10


@dataclass(frozen=True)
class Content:
    """One placement: its creator (None: the brand), campaign, platform and day of publishing.

    `day` counts from 0 in the month; None: it is planned only.
    """

    slug: str
    creator: str | None
    campaign: str | None
    platform: str | None
    day: int | None


@dataclass(frozen=True)
class Sale:
    """One order and what of it stands: `earned_by` are the placements, none is organic.

    `named` is the creator that the buyer names in a survey one day later. `customer` is set if the
    customer has other orders. `store` None is the main one.
    """

    order_id: str
    at: datetime
    minor: int
    earned_by: tuple[str, ...] = ()
    clicked: str | None = None
    code: str | None = None
    kind: str = "purchase"
    refunded_minor: int = 0
    store: str | None = None
    named: str | None = None
    customer: str | None = None

    @property
    def kept_minor(self) -> int:
        """Return what is left after the refund."""
        return self.minor - self.refunded_minor

    @property
    def counts(self) -> bool:
        """Return whether it is a conversion: a lead, or an order of more than nothing."""
        return self.kind == "lead" or self.minor > 0

    @property
    def stage(self) -> str:
        """Return its stage of the journey; each purchase of the month is its customer's first."""
        return {"lead": "consideration", "renewal": "retention"}.get(self.kind, "purchase")


@dataclass(frozen=True)
class Spent:
    """One cost: its owner is a creator, campaign or placement by slug, or none for overhead.

    It was paid on the day `paid_day` of the month; None: not yet.
    """

    kind: str
    minor: int
    day: int
    owner: str | None = None
    owner_id: str | None = None
    retail_minor: int | None = None
    paid_day: int | None = None


CREATORS: Final = ("mia", "jonas", "aria", "priya")
CAMPAIGNS: Final = ("harvest", "club", "autumn")
CONTENT: Final = (
    Content("mia-reel", "mia", "harvest", "instagram", 2),
    Content("mia-story", "mia", "club", "instagram", 17),
    Content("jonas-cast", "jonas", "harvest", "podcast", 4),
    Content("aria-video", "aria", "harvest", "tiktok", 6),
    Content("priya-reel", "priya", None, "instagram", 9),
    Content("own-reel", None, "harvest", "instagram", 1),
    Content("own-mail", None, "club", "newsletter", 12),
    # Planned, or of no creator's earnings: they share no cost.
    Content("mia-next", "mia", "harvest", "tiktok", None),
    Content("aria-next", "aria", "autumn", "tiktok", None),
)
AUTOMATIC: Final = tuple(Content(f"{one}-always", one, None, None, None) for one in CREATORS)
CODES: Final = {"KETTLE15": ("jonas",), "PRIYA10": ("priya",), "WANDER": ("mia", "aria")}
COSTS: Final = (
    Spent("fee", 30_000, 0, "creator", "mia", paid_day=20),
    Spent("fee", 110_000, 3, "creator", "jonas", paid_day=3),
    Spent("fee", 520_000, 5, "creator", "aria"),
    Spent("agent", 78_000, 5, "creator", "aria"),
    # A gift: its cost is what it cost to make, not its price in the shop.
    Spent("product", 8_600, 7, "creator", "priya", retail_minor=21_900),
    Spent("shipping", 1_250, 7, "creator", "priya"),
    Spent("production", 42_007, 1, "placement", "own-reel", paid_day=25),
    Spent("staff_hours", 36_000, 11, "placement", "own-mail"),
    Spent("tools", 10_000, 0, "campaign", "harvest"),
    Spent("production", 9_990, 14, "campaign", "club"),
    # Nothing of this campaign is published yet.
    Spent("production", 25_000, 20, "campaign", "autumn"),
    Spent("tools", 4_900, 0, paid_day=2),
)


@dataclass(frozen=True)
class Counted:
    """Social counts so far of one placement, at nine o'clock of a day of the month."""

    slug: str
    day: int
    counts: dict[str, int]


# The last report of a placement and name tells all of the month; a missing count adds nothing.
COUNTS: Final = (
    Counted("mia-reel", 5, {"impressions": 8_000, "views": 2_000, "likes": 150}),
    Counted("mia-reel", 19, {"impressions": 11_000, "likes": 190, "comments": 12}),
    Counted("mia-story", 18, {"views": 900, "shares": 3}),
    Counted("aria-video", 8, {"views": 40_000, "likes": 900, "saves": 31}),
    Counted("aria-video", 22, {"views": 52_000, "likes": 1_250, "saves": 40}),
    Counted("own-reel", 9, {"impressions": 4_400, "likes": 41, "link_taps": 7}),
)
ENGAGEMENTS: Final = ("likes", "comments", "shares", "saves")


@dataclass
class BrandMonth:
    """The sales and clicks of the month; `clicks` has placement and moment."""

    chance: random.Random
    sales: list[Sale] = field(default_factory=list)
    clicks: list[tuple[str, datetime, str]] = field(default_factory=list)

    def moment(self, first: int = 0, days_after: int = 1) -> datetime:
        """Return a moment of the month, from a day on; so many days of the month come after it."""
        day = FIRST + timedelta(days=self.chance.randrange(first, DAYS - days_after))
        return datetime.combine(day, time(12), UTC) + timedelta(minutes=self.chance.randrange(600))

    def visitor(self) -> str:
        """Return a visitor who was not there before."""
        return f"visitor-{len(self.clicks):05d}"

    def sell(self, at: datetime, **facts: object) -> None:
        """Add a sale; now and then a part of it is given back."""
        steps = self.chance.randrange(90, 2_000)
        sale = Sale(f"m-{len(self.sales):04d}", at, steps * STEP_MINOR)
        if not self.chance.randrange(8):
            given_back = self.chance.randrange(1, steps) * STEP_MINOR
            sale = replace(sale, refunded_minor=given_back)
        self.sales.append(replace(sale, **facts))  # type: ignore[arg-type] # names of Sale


def make_month(seed: int) -> BrandMonth:
    """Return a month; the same seed gives the same facts."""
    month = BrandMonth(random.Random(seed))
    for add in (
        _organic,
        _by_click,
        _by_code,
        _shared,
        _renewals,
        _code_and_click,
        _won_before,
        _named,
        _gifts,
        _outlet,
        _leads,
    ):
        add(month)
    return month


def _organic(month: BrandMonth) -> None:
    for _ in range(25):
        month.sell(month.moment())


def _by_click(month: BrandMonth) -> None:
    """Visitors of published content; every third buys an hour later, with no other evidence."""
    for content in CONTENT:
        if content.day is not None:
            for number in range(month.chance.randrange(9, 24)):
                visitor, at = month.visitor(), month.moment(content.day)
                month.clicks.append((content.slug, at, visitor))
                if number % 3 == 0:
                    later = at + timedelta(hours=1)
                    month.sell(later, clicked=visitor, earned_by=(content.slug,))


def _by_code(month: BrandMonth) -> None:
    """Customers who type a code and clicked nothing."""
    for code, creators in CODES.items():
        if len(creators) == 1:
            for _ in range(12):
                month.sell(month.moment(), code=code, earned_by=(f"{creators[0]}-always",))


def _shared(month: BrandMonth) -> None:
    """A code of two creators: each gets half."""
    for _ in range(7):
        earned_by = tuple(f"{creator}-always" for creator in CODES["WANDER"])
        month.sell(month.moment(), code="WANDER", earned_by=earned_by)


def _renewals(month: BrandMonth) -> None:
    """Renewals after a click of their own."""
    for _ in range(9):
        visitor, at = month.visitor(), month.moment(12)
        month.clicks.append(("own-mail", at, visitor))
        later = at + timedelta(hours=1)
        month.sell(later, clicked=visitor, earned_by=("own-mail",), kind="renewal")


def _code_and_click(month: BrandMonth) -> None:
    """A creator's code after a click on one of the creator's posts: the post earned it."""
    for _ in range(6):
        visitor, at = month.visitor(), month.moment(5)
        month.clicks.append(("jonas-cast", at, visitor))
        later = at + timedelta(hours=1)
        month.sell(later, clicked=visitor, code="KETTLE15", earned_by=("jonas-cast",))


def _won_before(month: BrandMonth) -> None:
    """Customers who came by a code, and their renewals without one: both are of the creator."""
    for number in range(5):
        at, customer = month.moment(days_after=4), f"club-{number}"
        facts = {"customer": customer, "earned_by": ("priya-always",)}
        month.sell(at, code="PRIYA10", **facts)
        month.sell(at + timedelta(days=3), kind="renewal", **facts)


def _named(month: BrandMonth) -> None:
    """Buyers without other evidence who say in a survey who led them here."""
    for _ in range(4):
        month.sell(month.moment(), named="aria", earned_by=("aria-always",))


def _gifts(month: BrandMonth) -> None:
    """Orders of nothing: parcels to creators. They are no conversions."""
    for _ in range(3):
        month.sell(month.moment(), minor=0, refunded_minor=0)


def _outlet(month: BrandMonth) -> None:
    """Orders of a second store, which has the numbers and customer ids of the main store's."""
    for number in range(6):
        month.sell(month.moment(), order_id=f"m-{number:04d}", store="outlet")
    visitor, at = month.visitor(), month.moment(10)
    month.clicks.append(("mia-reel", at, visitor))
    facts = {"order_id": "m-0006", "store": "outlet", "clicked": visitor}
    month.sell(at + timedelta(hours=1), earned_by=("mia-reel",), **facts)


def _leads(month: BrandMonth) -> None:
    """People who leave their address after a click; nothing is sold."""
    for _ in range(8):
        visitor, at = month.visitor(), month.moment(10)
        month.clicks.append(("aria-video", at, visitor))
        facts = {"clicked": visitor, "kind": "lead", "minor": 0, "refunded_minor": 0}
        month.sell(at + timedelta(hours=1), earned_by=("aria-video",), **facts)


# --- the independent sums ------------------------------------------------------------------------

ALL: Final = {one.slug: one for one in (*CONTENT, *AUTOMATIC)}
Figure = dict[str, Fraction]
NAMES: Final = ("clicks", "conversions", "net_revenue", "cost", "contribution")
Days = tuple[date, date]
MONTH: Final[Days] = (FIRST, LAST)
Where = tuple[Content | None, str | None, str | None, date | None]
"""What carries a part: a placement; else an owner of a cost by kind and slug; and its day."""


def parts_of(month: BrandMonth) -> Iterator[tuple[Where, str, Fraction]]:
    """Yield every part of every figure of the month, with what carries it."""
    for slug, at, _ in month.clicks:
        yield (ALL[slug], None, None, at.date()), "clicks", Fraction(1)
    for sale in month.sales:
        accounts: Sequence[Content | None] = [ALL[slug] for slug in sale.earned_by] or [None]
        for account in accounts:
            where: Where = (account, "organic" if account is None else None, None, sale.at.date())
            share = Fraction(1, len(accounts))
            yield where, "conversions", share if sale.counts else Fraction(0)
            yield where, "net_revenue", sale.kept_minor * share
            yield where, "contribution", sale.kept_minor * share * MARGIN
    for spent in COSTS:
        day = FIRST + timedelta(days=spent.day)
        carriers = carriers_of(spent)
        for carrier in carriers:
            yield (carrier, None, None, day), "cost", Fraction(spent.minor, len(carriers))
        if not carriers:
            owner = spent.owner or "overhead"
            yield (None, owner, spent.owner_id, day), "cost", Fraction(spent.minor)


def carriers_of(spent: Spent) -> list[Content]:
    """Return the placements that share a cost: published in the month, none that is planned.

    A creator's automatic placement was made after the month and shares nothing of it.
    """
    return [
        one
        for one in CONTENT
        if one.day is not None
        and spent.owner_id is not None
        and spent.owner_id in (one.slug, one.creator, one.campaign)
    ]


def summed(
    month: BrandMonth, group: Callable[[Where], str | None], days: Days = MONTH
) -> dict[str, Figure]:
    """Return the sums of some days by a group; parts of the group None are left out."""
    found: dict[str, Figure] = {}
    for where, name, amount in parts_of(month):
        key, day = group(where), where[3]
        if key is not None and day is not None and days[0] <= day <= days[1]:
            figure = found.setdefault(key, dict.fromkeys(NAMES, Fraction(0)))
            figure[name] += amount
    return {key: figure for key, figure in found.items() if any(figure.values())}


def headline(where: Where) -> str:
    """Return the headline figure of a part."""
    account, owner, _, _ = where
    if account is not None:
        return "brand" if account.creator is None else "program"
    return owner if owner in ("organic", "overhead") else "program"


def by_creator(where: Where) -> str | None:
    """Return the label of the row by creator."""
    account, owner, owner_id, _ = where
    if account is not None:
        return account.creator or "brand"
    return _without_placement(owner, owner_id, "creator")


def by_campaign(where: Where) -> str | None:
    """Return the label of the row by campaign."""
    account, owner, owner_id, _ = where
    if account is not None:
        return account.campaign or "no campaign"
    return _without_placement(owner, owner_id, "campaign")


def by_platform(where: Where) -> str | None:
    """Return the label of the row by platform."""
    account, owner, owner_id, _ = where
    if account is not None:
        return account.platform or "no platform"
    return _without_placement(owner, owner_id, "platform")


def by_day(where: Where) -> str | None:
    """Return the label of the row by day; organic sales are in no row."""
    _, owner, _, day = where
    return owner if owner == "overhead" else None if owner == "organic" else str(day)


def _without_placement(owner: str | None, owner_id: str | None, dimension: str) -> str | None:
    if owner in ("organic", "overhead"):
        return None if owner == "organic" else owner
    return owner_id if owner == dimension else "unallocated"
