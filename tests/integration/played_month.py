"""The month of facts sent to running services through the public calls, for several test files.

Promise: `play` sends every fact once, and waits until each sale and count is in the answers.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from fractions import Fraction
from functools import partial
from typing import Any, Final

from shared.ids import new_id
from tests.e2e.installation import Brand, Installation, Json, eventually
from tests.integration.brand_month import (
    CAMPAIGNS,
    CODES,
    CONTENT,
    COSTS,
    COUNTS,
    CREATORS,
    FIRST,
    LAST,
    MARGIN,
    BrandMonth,
    Content,
    Figure,
    Sale,
    make_month,
    summed,
)
from tests.integration.brand_month_sums import newest_counts

SEED: Final = 2_026
CREDITED_SECONDS_MAX: Final = 240
BATCH_EVENTS: Final = 500
SPAN: Final = {"from": FIRST.isoformat(), "to": LAST.isoformat()}
# What a dollar is in euros, from a day on.
RATES: Final = ((FIRST, "0.5"), (FIRST + timedelta(days=14), "0.25"))
# By metric: the creator (None: the program) and the target.
GOALS: Final[dict[str, tuple[str | None, str | int]]] = {
    "net_revenue": ("mia", "1.00"),
    "clicks": (None, 100_000),
    "conversions": ("jonas", 2),
    "cost": ("aria", "90000.00"),
}
Ids = dict[str | None, Any]


@dataclass(frozen=True)
class Played:
    """A brand whose month was sent, the facts that were sent, and the ids of what was made."""

    brand: Brand
    month: BrandMonth
    ids: Ids

    def get(self, path: str, **query: str) -> Json:
        """Return the answer of a call of roi, over the month unless the query has days."""
        answer = self.brand.roi.get(path, params=SPAN | query)
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()
        return found


def play(installation: Installation) -> Played:
    """Send the month, and wait until every sale is in the answers."""
    brand = Brand.in_new_workspace(installation, f"month {new_id()}")
    month = make_month(SEED)
    links, ids = make_catalog(brand)
    for code in links.values():
        eventually(partial(redirects, brand, code), what=f"the link {code} redirects")
    sales = (event for sale in month.sales for event in sold(sale, ids))
    events = [*clicks(month, links), *sales, *counted(ids)]
    for start in range(0, len(events), BATCH_EVENTS):
        answer = brand.tracking.post("/v1/events", json=events[start : start + BATCH_EVENTS])
        assert (answer.status_code, answer.json()["rejected"]) == (202, []), answer.text
    played = Played(brand, month, ids)
    expected = summed(month, lambda _: "all")["all"]
    views = sum(counts.get("views", 0) for counts in newest_counts().values())

    def is_answered() -> bool | None:
        totals = played.get("/v1/roi")["totals"]
        if measured(totals) != expected:
            return None
        return played.get("/v1/roi", metrics="views")["totals"]["views"] == views or None

    eventually(is_answered, seconds=CREDITED_SECONDS_MAX, what="the month is credited")
    return played


def make_catalog(brand: Brand) -> tuple[dict[str, str], Ids]:
    """Make the catalog and the costs; return the link code of each placement, and all ids."""
    brand.create("policies", margin=str(float(MARGIN)))
    ids: Ids = {None: None}
    for name in CREATORS:
        ids[name] = brand.create("creators", name=name)["id"]
    for name in CAMPAIGNS:
        ids[name] = brand.create("campaigns", name=name, starts_on=str(FIRST))["id"]
    links = {}
    for content in CONTENT:
        ids[content.slug] = brand.create("placements", **placement(content, ids))["id"]
        if content.day is not None:
            made = brand.create(
                "links", placement_id=ids[content.slug], destination="https://shop.example/"
            )
            links[content.slug] = made["code"]
    for code, creators in CODES.items():
        for creator in creators:
            brand.create("codes", code=code, creator_id=ids[creator])
    make_costs(brand, ids)
    make_goals(brand, ids)
    brand.create("stores", name="outlet")
    return links, ids


def make_goals(brand: Brand, ids: Ids) -> None:
    """Make the exchange rates, and the goals, whose ids are those of their metrics."""
    for first_on, amount in RATES:
        rate = {"kind": "exchange", "currency": "USD", "amount": amount}
        brand.create("rates", valid_from=str(first_on), **rate)
    for metric, (creator, target) in GOALS.items():
        body = {"metric": metric, "target": target, "starts_on": str(FIRST), "ends_on": str(LAST)}
        owner = {} if creator is None else {"creator_id": ids[creator]}
        ids[metric] = brand.create("goals", **body, **owner)["id"]


def make_costs(brand: Brand, ids: Ids) -> None:
    """Make the costs."""
    for spent in COSTS:
        body: Json = {"kind": spent.kind, "amount_minor": spent.minor, "currency": "EUR"}
        body["incurred_on"] = str(FIRST + timedelta(days=spent.day))
        if spent.owner is not None:
            body[f"{spent.owner}_id"] = ids[spent.owner_id]
        if spent.paid_day is not None:
            body["paid_on"] = str(FIRST + timedelta(days=spent.paid_day))
        if spent.retail_minor is not None:
            body["retail_value"] = {"amount_minor": spent.retail_minor}
        brand.create("costs", **body)


def redirects(brand: Brand, code: str) -> bool | None:
    """Return whether a link works; None while it does not."""
    return brand.tracking.head(f"/{code}").status_code == 302 or None


def placement(content: Content, ids: Ids) -> Json:
    """Return the body of a placement."""
    day = datetime.combine(FIRST + timedelta(days=content.day or 0), time(9)).isoformat() + "Z"
    body: Json = {"platform": content.platform, "campaign_id": ids[content.campaign]}
    body |= {"is_brand": True} if content.creator is None else {"creator_id": ids[content.creator]}
    return body | ({"planned_at": day} if content.day is None else {"published_at": day})


def clicks(month: BrandMonth, links: dict[str, str]) -> Iterator[Json]:
    """Yield the events of the clicks."""
    for slug, at, visitor in month.clicks:
        yield {
            "type": "clicked",
            "event_id": f"click-{visitor}",
            "link": links[slug],
            "person": {"visitor_id": visitor},
            "occurred_at": at.isoformat(),
        }


def sold(sale: Sale, ids: Ids) -> Iterator[Json]:
    """Yield the events of a sale: the order, what the buyer answered, and what was given back."""
    person = {"customer_id": sale.customer or f"customer-{sale.order_id}"}
    if sale.clicked is not None:
        person["visitor_id"] = sale.clicked
    told: Json = {"store": sale.store, "person": person, "occurred_at": sale.at.isoformat()}
    if sale.kind == "lead":
        yield told | {"type": "lead", "conversion_id": sale.order_id}
        return
    yield told | {
        "type": "ordered" if sale.kind == "purchase" else "renewed",
        "order_id": sale.order_id,
        "net": {"amount_minor": sale.minor},
        "currency": "EUR",
        "codes": [] if sale.code is None else [sale.code],
    }
    if sale.named is not None:
        yield {
            "type": "surveyed",
            "order_id": sale.order_id,
            "store": sale.store,
            "creator_id": ids[sale.named],
            "occurred_at": (sale.at + timedelta(days=1)).isoformat(),
        }
    if sale.refunded_minor:
        yield {
            "type": "order_adjusted",
            "order_id": sale.order_id,
            "store": sale.store,
            "adjustment_id": f"back-{sale.order_id}",
            "conversion_kind": sale.kind,
            "kind": "refund",
            "amount": {"amount_minor": sale.refunded_minor},
            "currency": "EUR",
            "occurred_at": (sale.at + timedelta(days=2)).isoformat(),
        }


def counted(ids: Ids) -> Iterator[Json]:
    """Yield the events of the social counts."""
    for report in COUNTS:
        yield {
            "type": "social_reported",
            "placement_id": ids[report.slug],
            "as_of": f"{FIRST + timedelta(days=report.day)}T09:00:00Z",
            "source": "Instagram",
            "quality": "observed",
            **report.counts,
        }


def measured(measures: Json) -> Figure:
    """Return the additive figures of an answer; contribution is profit and cost."""
    money = {
        name: Fraction(measures[name]["amount_minor"]) for name in ("net_revenue", "cost", "profit")
    }
    return {
        "clicks": Fraction(measures["clicks"]),
        "conversions": Fraction(str(measures["conversions"])),
        "net_revenue": money["net_revenue"],
        "cost": money["cost"],
        "contribution": money["profit"] + money["cost"],
    }
