"""The layers of the funnel over HTTP, against sums that the test makes of its own raw facts.

Promise: no sum here comes from the service. Orders, leads, counts, clicks, costs, rates and margins
are drawn, given to a running roi, and added up by the rules of decisions 78, 81 and 82 alone.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import product
from typing import Any, Final

import httpx

from shared.credits import ORGANIC
from tests.fixtures.clocks import ShiftedClock
from tests.integration.roi.roi_service import PATIENCE_SECONDS, BrandClient, roi_running
from tests.integration.roi.roi_workspace import RoiWorkspace
from tests.integration.roi.test_funnel import Funnel, minor, of_stage

NOW: Final = datetime(2026, 7, 8, 12, tzinfo=UTC)
FIRST: Final = datetime(2026, 6, 9, tzinfo=UTC)
SPAN: Final = "from=2026-06-09&to=2026-07-08"
LAYERS: Final = ("booked", "modelled", "assumed")
CREATORS: Final = ("Mia", "Jo")
# Each with its creator and platform.
PLACEMENTS: Final = (("Mia", "instagram"), ("Mia", "tiktok"), ("Jo", "instagram"))
# From a day on, in quarters, so that an amount in steps of 4 cents has a whole contribution.
MARGINS: Final = ((None, 1), (datetime(2026, 6, 20, tzinfo=UTC), 3))
# What one unit is worth in cents: unit, platform, day, worth. The later day holds.
VALUES: Final = (
    ("view", None, "2026-01-01", Fraction(1, 5)),
    ("view", None, "2026-06-25", Fraction(3, 10)),
    ("view", "tiktok", "2026-06-15", Fraction(2, 5)),
    ("like", None, "2026-01-01", Fraction(5)),
    ("like", None, "2026-06-18", Fraction(11)),
    ("visit", None, "2026-06-01", Fraction(7)),
)
STAGE_OF: Final = {"view": "awareness", "like": "engagement", "visit": "consideration"}
HOUR: Final = timedelta(hours=1)

# By layer and stage, in cents.
Sums = Mapping[tuple[str, str], Fraction]


@dataclass(frozen=True)
class Order:
    """An order that stands, or one that was cancelled."""

    place: int
    at: datetime
    amount_minor: int
    stage: str
    is_cancelled: bool


@dataclass(frozen=True)
class Lead:
    """A lead of a person, and what the person bought later."""

    place: int
    at: datetime
    person: str
    bought: tuple[tuple[datetime, int], ...] = ()


@dataclass(frozen=True)
class Volume:
    """How many units came at a moment at a placement."""

    unit: str
    place: int
    at: datetime
    count: int


@dataclass
class Facts:
    """What happened; costs are (owner, cents), where an owner is a creator or nobody."""

    orders: list[Order] = field(default_factory=list)
    leads: list[Lead] = field(default_factory=list)
    volumes: list[Volume] = field(default_factory=list)
    costs: list[tuple[str | None, int]] = field(default_factory=list)


def drawn(seed: int) -> Facts:
    chance = random.Random(seed)
    facts = Facts(costs=[("Mia", 12_345), ("Jo", 6_789), ("Jo", 1), (None, 5_000)])

    def moment() -> datetime:
        return FIRST + timedelta(days=chance.randrange(29), hours=chance.randrange(24))

    for _ in range(30):
        stage = chance.choice(["purchase", "purchase", "retention", "advocacy"])
        amount = 4 * chance.randrange(100, 3_000)
        place, is_cancelled = chance.randrange(3), chance.random() < 0.2
        facts.orders.append(Order(place, moment(), amount, stage, is_cancelled))
    for number in range(45):
        lead_at = datetime(2026, 3, 10, 9, tzinfo=UTC)
        bought = [
            (lead_at + timedelta(days=chance.randrange(1, 60), minutes=30), amount)
            for amount in (4 * chance.randrange(1, 3_000),)
            if number % 4 == 0
        ]
        place = chance.randrange(3)
        facts.leads.append(Lead(place, lead_at, f"matured {number}", tuple(bought)))
    for number, days in enumerate((0, 3, 11, 18, 27)):
        lead_at = NOW - timedelta(days=days) - 5 * HOUR
        facts.leads.append(Lead(number % 3, lead_at, f"open {number}"))
    for place in range(3):
        for unit, most in (("view", 900), ("like", 90), ("visit", 40)):
            facts.volumes += [
                Volume(unit, place, moment().replace(hour=10), 10 * chance.randrange(1, most))
                for _ in range(3)
            ]
    return facts


# --- the service ---------------------------------------------------------------------------------


async def told(brand: BrandClient, facts: Facts) -> None:
    """Give the facts to the service: the catalog over HTTP, the ledger to its fold."""
    creators = {name: (await brand.post("/v1/creators", {"name": name}))["id"] for name in CREATORS}
    placements = [
        (
            await brand.post(
                "/v1/placements",
                {
                    "creator_id": creators[name],
                    "platform": platform,
                    "published_at": "2026-03-01T09:00:00Z",
                },
            )
        )["id"]
        for name, platform in PLACEMENTS
    ]
    for first_at, quarters in MARGINS:
        valid_from = first_at and first_at.isoformat()
        await brand.post("/v1/policies", {"valid_from": valid_from, "margin": quarters / 4})
    for owner, amount_minor in facts.costs:
        body: dict[str, Any] = {"kind": "fee", "currency": "EUR", "incurred_on": "2026-06-12"}
        body |= {"amount": f"{amount_minor / 100:.2f}"}
        await brand.post("/v1/costs", body | ({"creator_id": creators[owner]} if owner else {}))
    ledger = RoiWorkspace(brand.roi.database, brand.workspace_id, now=NOW - HOUR)
    await ledger.fold(*records_of(ledger, facts, placements))


def records_of(ledger: RoiWorkspace, facts: Facts, placements: list[str]) -> list[Any]:
    found: list[Any] = []
    for order in facts.orders:
        shares = {placements[order.place]: (order.amount_minor, order.at)}
        record = ledger.order(order.amount_minor, order.at, shares, stage=order.stage)
        found.append(record)
        if order.is_cancelled:
            found.append(ledger.corrected(record, None))
    of_lead: dict[str, Any] = {"kind": "lead", "stage": "consideration", "currency": None}
    for lead in facts.leads:
        person = {"person_ref": lead.person}
        lead_shares = {placements[lead.place]: (0, lead.at)}
        found.append(ledger.order(0, lead.at, lead_shares, **of_lead, **person))
        found += [
            ledger.order(amount, at, {ORGANIC: (amount, None)}, **person)
            for at, amount in lead.bought
        ]
    so_far: Counter[tuple[str, int]] = Counter()
    for volume in sorted(facts.volumes, key=lambda one: one.at):
        account = placements[volume.place]
        if volume.unit == "visit":
            found.append(ledger.clicks(account, volume.at, volume.count))
            continue
        so_far[volume.unit, volume.place] += volume.count
        counts = {f"{volume.unit}s": so_far[volume.unit, volume.place]}
        # A source of its own: what one report leaves out, it does not take back.
        found.append(ledger.counted(account, volume.at, source=volume.unit, **counts))
    return found


async def valued(brand: BrandClient) -> list[str]:
    """Set the value rates; return their ids."""
    return [
        (
            await brand.post(
                "/v1/rates",
                {
                    "kind": "value",
                    "per": unit,
                    "platform": platform,
                    "amount": str(float(cents / 100)),
                    "currency": "EUR",
                    "valid_from": first_on,
                },
            )
        )["id"]
        for unit, platform, first_on, cents in VALUES
    ]


# --- the sums of the test ------------------------------------------------------------------------


def margin_at(at: datetime) -> Fraction:
    holding = [quarters for first_at, quarters in MARGINS if first_at is None or first_at <= at]
    return Fraction(holding[-1], 4)


def value_at(unit: str, platform: str, at: datetime) -> Fraction:
    """Return what a unit is worth: by a rate of its platform, else by the general one."""
    day = at.date().isoformat()
    for wanted in (platform, None):
        holding = [
            (first_on, cents)
            for per, of, first_on, cents in VALUES
            if (per, of) == (unit, wanted) and first_on <= day
        ]
        if holding:
            return max(holding)[1]
    raise LookupError(unit)


def worth_of(lead: Lead, leads: list[Lead]) -> Fraction | None:
    """Return the mean of the matured leads that had not bought at the lead's age; at least 30."""
    matured = [one for one in leads if NOW - one.at >= timedelta(days=90)]
    alike = [one for one in matured if not one.bought or one.bought[0][0] - one.at > NOW - lead.at]
    if len(alike) < 30:
        return None
    brought = sum(amount * margin_at(at) for one in alike for at, amount in one.bought)
    return Fraction(brought) / len(alike)


def expected(facts: Facts) -> dict[str, Sums]:
    """Return the returns of each creator."""
    found = {name: defaultdict[tuple[str, str], Fraction](Fraction) for name in CREATORS}
    for order in facts.orders:
        if not order.is_cancelled:
            sums = found[PLACEMENTS[order.place][0]]
            sums["booked", order.stage] += order.amount_minor * margin_at(order.at)
    for lead in facts.leads:
        if NOW - lead.at < timedelta(days=90):
            worth = worth_of(lead, facts.leads)
            assert worth is not None
            found[PLACEMENTS[lead.place][0]]["modelled", "consideration"] += worth
    for volume in facts.volumes:
        name, platform = PLACEMENTS[volume.place]
        value = value_at(volume.unit, platform, volume.at)
        found[name]["assumed", STAGE_OF[volume.unit]] += volume.count * value
    return {**found}


def together(one: Sums, other: Sums) -> Sums:
    nothing = Fraction(0)
    return {key: one.get(key, nothing) + other.get(key, nothing) for key in {*one, *other}}


def check(figures: Funnel, sums: Sums, cost_minor: int) -> None:
    """The returns are the sums within a cent, and per cost they add up to each layer's part."""
    assert minor(figures["cost"]) == cost_minor
    of_layers = []
    for layer in LAYERS:
        parts = {}
        for stage in figures["stages"]:
            amount = minor(stage["return"][layer])
            wanted = sums.get((layer, stage["stage"]), Fraction(0))
            assert abs((amount or 0) - wanted) < 1, (layer, stage["stage"], amount, wanted)
            per_cost = stage["return_per_cost"][layer]
            assert (per_cost is None) == (amount is None)
            parts[stage["stage"]] = round((per_cost or 0) * 10**6)
            exact = Fraction((amount or 0) * 10**6, cost_minor)
            assert abs(parts[stage["stage"]] - exact) <= 1, (layer, stage["stage"])
        of_layers.append(sum(parts.values()))
    booked, modelled, assumed = of_layers
    bcr = {name: round(ratio * 10**6) for name, ratio in figures["bcr"].items()}
    assert bcr == {
        "booked": booked,
        "with_modelled": booked + modelled,
        "with_assumed": booked + modelled + assumed,
    }


def without(funnel: Funnel, *layers: str) -> list[Any]:
    """Return the returns of all figures but those of these layers."""
    rows = sorted(funnel["rows"], key=lambda row: str(row["label"]))
    return [
        (stage["stage"], group, layer, stage[group][layer])
        for figures in (*rows, funnel["program"], funnel["brand"])
        for stage, group in product(figures["stages"], ("return", "return_per_cost"))
        for layer in LAYERS
        if layer not in layers
    ]


async def test_layers_are_the_sums_of_the_facts_and_none_moves_another(owner_url: str) -> None:
    async with (
        roi_running(owner_url, clock=ShiftedClock.at(NOW)) as roi,
        httpx.AsyncClient(timeout=PATIENCE_SECONDS) as http,
    ):
        brand = await roi.brand(http)
        facts = drawn(23)
        await told(brand, facts)
        unvalued = await brand.ok("GET", f"/v1/funnel?{SPAN}")
        rates = await valued(brand)
        funnel = await brand.ok("GET", f"/v1/funnel?{SPAN}")
        sums = expected(facts)
        known = {layer for of in sums.values() for (layer, _), value in of.items() if value}
        assert known == set(LAYERS), "the test has something to compare in each layer"
        costs: Counter[str | None] = Counter()
        for owner, amount_minor in facts.costs:
            costs[owner] += amount_minor
        rows = {row["label"]: row for row in funnel["rows"]}
        for name in CREATORS:
            check(rows[name], sums[name], costs[name])
        check(funnel["program"], together(sums["Mia"], sums["Jo"]), costs["Mia"] + costs["Jo"])
        # No value rate, before there was one and after all are archived: nothing is assumed.
        assert without(unvalued, "assumed") == without(funnel, "assumed")
        assert unvalued["program"]["bcr"]["with_assumed"] is None
        for rate_id in rates:
            await brand.ok("DELETE", f"/v1/rates/{rate_id}")
        archived = await brand.ok("GET", f"/v1/funnel?{SPAN}")
        assert without(archived) == without(unvalued)
        # The same brand without leads: nothing is modelled, and all else stays.
        other = await roi.brand(http)
        await told(other, Facts(facts.orders, [], facts.volumes, facts.costs))
        await valued(other)
        without_leads = await other.ok("GET", f"/v1/funnel?{SPAN}")
        assert without(without_leads, "modelled") == without(funnel, "modelled")
        modelled = of_stage(without_leads["program"], "consideration")["return"]["modelled"]
        assert not minor(modelled)
        assert of_stage(funnel["program"], "consideration")["return"]["modelled"]
