"""Facts of a workspace as Hypothesis draws them: costs, orders, corrections, clicks and counts.

Promise: `Facts` sends each fact to roi as a deployment does, and keeps what stands of it in plain
lists. `entered` and `earned` add these lists up and read no table. An index that is drawn counts
modulo what exists, so each sequence of facts has a meaning; a correction of nothing is left out.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any, Final

from hypothesis import strategies as st

from shared.credits import COUNT_NAMES, ORGANIC, AnyCredits, DecisionCredited
from shared.events import CONVERSIONS
from shared.ids import MAIN_STORE, automatic_placement_id
from shared.models import DEFAULT_MODELS
from tests.integration.roi.catalog_facts import cost_facts, placement_facts
from tests.integration.roi.roi_workspace import RoiWorkspace

CURRENCIES: Final = ("EUR", "JPY", "USD")
SPREADS: Final = ("equal", "clicks", "views", "credit")
COST_KINDS: Final = ("fee", "product", "staff_hours", "paid_boost")
FIRST: Final = date(2026, 3, 1)
# All facts lie in these days, those that a cost serves included.
DAYS: Final = ("2026-01-01", "2026-12-31")

_index = st.integers(0, 20)
_day = st.integers(0, 60)
_minor = st.integers(-500, 90_000)
_quarter = st.integers(0, 96 * 60)
_slots = st.fixed_dictionaries(
    {
        "link": st.none() | _index,
        "code": st.sampled_from([None, "SPRING", "A,B"]),
        "sub_source": st.sampled_from([None, "bio", "video 3"]),
    }
)


@dataclass(frozen=True)
class Spent:
    """A cost; with `of` it corrects an earlier one."""

    minor: int
    currency: str
    kind: str
    owner: int
    day: int
    served_days: int
    paid_after: int | None
    spread: str
    of: int | None


@dataclass(frozen=True)
class Dropped:
    """A cost is archived."""

    of: int


@dataclass(frozen=True)
class Sold:
    """A conversion; `shares` are accounts and amounts."""

    shares: dict[int, int]
    currency: str
    kind: str
    at: int
    hours_before: int
    customer: bool | None
    is_at_till: bool
    slot: dict[str, Any]


@dataclass(frozen=True)
class Revised:
    """A conversion is decided again: its date moves, quarters of it are given back, or it ends."""

    of: int
    at: int | None
    quarters_left: int


@dataclass(frozen=True)
class Clicked:
    """Counted clicks, or clicks that are taken back."""

    account: int
    at: int
    count: int
    slot: dict[str, Any]


@dataclass(frozen=True)
class Reported:
    """Social counts so far; a second report of one moment and source corrects the first."""

    account: int
    day: int
    source: str
    quality: str
    counts: dict[str, int]


@dataclass(frozen=True)
class Placed:
    """A placement is corrected: campaign, format, topics, dates."""

    of: int
    campaign: int | None
    format: str | None
    topics: list[str]
    published: int | None
    planned: int | None


@dataclass(frozen=True)
class Margin:
    """A policy has a margin from a moment on, or always."""

    millionths: int
    at: int | None


Fact = Spent | Dropped | Sold | Revised | Clicked | Reported | Placed | Margin
FACTS: Final[st.SearchStrategy[Fact]] = st.one_of(
    st.builds(
        Spent,
        minor=_minor.map(abs),
        currency=st.sampled_from(CURRENCIES),
        kind=st.sampled_from(COST_KINDS),
        owner=_index,
        day=_day,
        served_days=st.integers(1, 90),
        paid_after=st.none() | _day,
        spread=st.sampled_from(SPREADS),
        of=st.none() | _index,
    ),
    st.builds(
        Sold,
        shares=st.dictionaries(_index, _minor, min_size=1, max_size=3),
        currency=st.sampled_from(CURRENCIES),
        kind=st.sampled_from(sorted(CONVERSIONS)),
        at=_quarter,
        hours_before=st.integers(0, 300),
        customer=st.none() | st.booleans(),
        is_at_till=st.booleans(),
        slot=_slots,
    ),
    st.builds(
        Revised, of=_index, at=st.none() | _quarter, quarters_left=st.sampled_from([0, 1, 3, 4])
    ),
    st.builds(Clicked, account=_index, at=_quarter, count=st.integers(-2, 40), slot=_slots),
    st.builds(
        Reported,
        account=_index,
        day=_day,
        source=st.sampled_from(["Instagram", "Agency"]),
        quality=st.sampled_from(["observed", "manual"]),
        counts=st.dictionaries(
            st.sampled_from(COUNT_NAMES), st.integers(0, 900), min_size=1, max_size=3
        ),
    ),
    st.builds(Dropped, of=_index),
    st.builds(
        Placed,
        of=_index,
        campaign=st.none() | _index,
        format=st.sampled_from([None, "review", "haul"]),
        topics=st.lists(st.sampled_from(["bags", "travel"]), unique=True),
        published=st.none() | _quarter,
        planned=st.none() | _quarter,
    ),
    st.builds(Margin, millionths=st.integers(0, 1_000_000), at=st.none() | _quarter),
)


def moment(quarter: int) -> datetime:
    """Return a quarter of an hour since the first day."""
    return datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=UTC) + timedelta(
        minutes=15 * quarter
    )


@dataclass
class Facts:
    """A workspace, and what stands of the facts that it was told."""

    roi: RoiWorkspace
    owners: list[dict[str, str]] = field(default_factory=list)
    placements: list[tuple[str, str | None]] = field(default_factory=list)
    accounts: list[str] = field(default_factory=list)
    campaigns: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    till: str = MAIN_STORE
    costs: dict[str, Spent] = field(default_factory=dict)
    orders: list[DecisionCredited] = field(default_factory=list)
    # What stands of each order: amounts by currency, and conversions.
    kept: list[tuple[str, int, bool]] = field(default_factory=list)
    clicks: int = 0

    async def start(self) -> None:
        """Make two creators, two campaigns, four placements (one the brand's own), and a till."""
        roi = self.roi
        mia = await roi.creator("Mia", country="DE")
        jo = await roi.creator("Jo")
        self.campaigns = [await roi.campaign("Spring", objective="sales"), await roi.campaign("-")]
        for creator in (mia, jo, None):
            self.placements.append((await roi.placement(creator, self.campaigns[0]), creator))
        own = [placement for placement, _ in self.placements]
        self.accounts = [*own, automatic_placement_id(roi.workspace_id, mia), ORGANIC]
        self.links = [await roi.link(f"code{number}", own[0]) for number in (1, 2)]
        self.till = await roi.put("store", {"name": "Till"})
        self.owners = [
            {"creator_id": mia},
            {"creator_id": jo},
            *({"campaign_id": campaign} for campaign in self.campaigns),
            *({"placement_id": placement} for placement in own),
            {},
        ]

    async def tell(self, fact: Fact) -> None:
        """Send one fact to roi, and keep what stands."""
        if isinstance(fact, Spent | Dropped | Placed | Margin):
            await self._change(fact)
        elif (record := self._record(fact)) is not None:
            await self.roi.fold(record)

    async def _change(self, fact: Spent | Dropped | Placed | Margin) -> None:
        match fact:
            case Spent():
                await self._spend(fact)
            case Dropped() if self.costs:
                cost = list(self.costs)[fact.of % len(self.costs)]
                await self.roi.put("cost", entity_id=cost, archived=True)
                del self.costs[cost]
            case Placed():
                await self._place(fact)
            case Margin():
                valid_from = None if fact.at is None else moment(fact.at)
                await self.roi.margin(fact.millionths, valid_from)
            case _:
                pass

    def _record(self, fact: Sold | Revised | Clicked | Reported) -> AnyCredits | None:
        match fact:
            case Sold():
                return self._sell(fact)
            case Revised():
                return self._revise(fact) if self.orders else None
            case Clicked():
                self.clicks += fact.count
                account, slot = self._account(fact.account, organic=False), self._slot(fact.slot)
                return self.roi.clicks(account, moment(fact.at), fact.count, **slot)
            case Reported():
                return self._report(fact)

    def entered(self, *, paid: bool = False) -> Counter[str]:
        """Return the costs that stand, or those of them that are paid, by currency."""
        found: Counter[str] = Counter()
        for cost in self.costs.values():
            if not paid or cost.paid_after is not None:
                found[cost.currency] += cost.minor
        return found

    def earned(self) -> tuple[Counter[str], int]:
        """Return what the orders have kept, by currency, and how many conversions stand."""
        found: Counter[str] = Counter()
        for currency, minor, _ in self.kept:
            found[currency] += minor
        return found, sum(stands for _, _, stands in self.kept)

    async def _spend(self, fact: Spent) -> None:
        day = FIRST + timedelta(days=fact.day)
        facts = cost_facts(
            fact.minor,
            day.isoformat(),
            fact.currency,
            serves_from=day.isoformat(),
            serves_to=(day + timedelta(days=fact.served_days - 1)).isoformat(),
            **self.owners[fact.owner % len(self.owners)],
        )
        facts |= {"kind": fact.kind, "spread": fact.spread}
        if fact.paid_after is not None:
            facts["paid_on"] = (day + timedelta(days=fact.paid_after)).isoformat()
        corrected = None
        if fact.of is not None and self.costs:
            corrected = list(self.costs)[fact.of % len(self.costs)]
        self.costs[await self.roi.put("cost", facts, entity_id=corrected)] = fact

    def _sell(self, fact: Sold) -> AnyCredits:
        at = moment(fact.at)
        touched_at = at - timedelta(hours=fact.hours_before)
        shares: dict[str, tuple[int, datetime | None]] = {}
        for index, minor in fact.shares.items():
            account = self._account(index)
            shares[account] = minor, None if account == ORGANIC else touched_at
        amount = sum(minor for minor, _ in shares.values())
        order = self.roi.order(
            amount,
            at,
            shares,
            currency=fact.currency,
            kind=fact.kind,
            stage=CONVERSIONS[fact.kind].stage,
            new_customer=fact.customer,
            store=self.till if fact.is_at_till else MAIN_STORE,
            slot=self._slot(fact.slot),
        )
        self.orders.append(order)
        self.kept.append((fact.currency, amount, True))
        return order

    def _revise(self, fact: Revised) -> AnyCredits:
        place = fact.of % len(self.orders)
        order = self.orders[place]
        at = None
        if fact.quarters_left:
            stood = self.roi.stands[order.decision_id]
            at = stood.occurred_at if fact.at is None else moment(fact.at)
        revised = self.roi.corrected(order, at, part=Fraction(fact.quarters_left, 4))
        self.orders[place] = revised
        entries = self.roi.stands[revised.decision_id].entries
        amount = sum(entry.amount_minor for entry in entries if entry.model == DEFAULT_MODELS[0])
        # Nothing comes back after the end.
        self.kept[place] = (self.kept[place][0], amount, bool(entries))
        return revised

    def _report(self, fact: Reported) -> AnyCredits:
        counted_at = datetime.combine(FIRST + timedelta(days=fact.day), moment(0).timetz())
        return self.roi.counted(
            self._account(fact.account, organic=False),
            counted_at,
            source=fact.source,
            quality=fact.quality,
            **fact.counts,
        )

    async def _place(self, fact: Placed) -> None:
        placement, creator = self.placements[fact.of % len(self.placements)]
        campaign = (
            None if fact.campaign is None else self.campaigns[fact.campaign % len(self.campaigns)]
        )
        # The label of a placement has its creator, platform and content type, and labels are
        # today's. They stay as they are, so that earlier answers are reproduced with their labels.
        facts = placement_facts(creator, campaign, "instagram")
        facts |= {"topics": fact.topics, "format": fact.format}
        for name, at in (("published_at", fact.published), ("planned_at", fact.planned)):
            facts |= {} if at is None else {name: moment(at).isoformat()}
        await self.roi.put("placement", facts, entity_id=placement)

    def _account(self, index: int, *, organic: bool = True) -> str:
        accounts = self.accounts if organic else self.accounts[:-1]
        return accounts[index % len(accounts)]

    def _slot(self, drawn: dict[str, Any]) -> dict[str, Any]:
        link = drawn["link"]
        named = None if link is None else self.links[link % len(self.links)]
        return {"link_id": named, "code": drawn["code"], "sub_source": drawn["sub_source"]}
