"""A believable month of a brand: every figure of `GET /v1/roi` equals an independent sum.

The facts are sent through the public calls only; the sums read the list of facts and no table.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from fractions import Fraction
from functools import partial
from typing import Any, Final

import pytest

from shared.ids import new_id
from tests.e2e.installation import Brand, Installation, Json, eventually
from tests.integration.brand_month import (
    CAMPAIGNS,
    CODES,
    CONTENT,
    COSTS,
    CREATORS,
    FIRST,
    LAST,
    MARGIN,
    BrandMonth,
    Content,
    Figure,
    Sale,
    Where,
    by_campaign,
    by_creator,
    by_day,
    by_platform,
    headline,
    make_month,
    summed,
)

pytestmark = pytest.mark.xdist_group("installation")

SEED: Final = 2_026
CREDITED_SECONDS_MAX: Final = 240
BATCH_EVENTS: Final = 500
HEADLINES: Final = ("program", "brand", "organic", "overhead")
SPAN: Final = {"from": FIRST.isoformat(), "to": LAST.isoformat()}
ROWS: Final[dict[str, Callable[[Where], str | None]]] = {
    "creator": by_creator,
    "campaign": by_campaign,
    "platform": by_platform,
    "day": by_day,
}


@dataclass(frozen=True)
class Played:
    """A brand whose month was sent, and the facts that were sent."""

    brand: Brand
    month: BrandMonth


@pytest.fixture(scope="module")
def played(installation: Installation) -> Played:
    """Send the month, and wait until every sale is in the answers."""
    brand = Brand.in_new_workspace(installation, f"month {new_id()}")
    month = make_month(SEED)
    links, ids = make_catalog(brand)
    for code in links.values():
        eventually(partial(redirects, brand, code), what=f"the link {code} redirects")
    sales = (event for sale in month.sales for event in sold(sale, ids))
    events = [*clicks(month, links), *sales]
    for start in range(0, len(events), BATCH_EVENTS):
        answer = brand.tracking.post("/v1/events", json=events[start : start + BATCH_EVENTS])
        assert (answer.status_code, answer.json()["rejected"]) == (202, []), answer.text
    expected = summed(month, lambda _: "all")["all"]
    eventually(
        lambda: (
            measured(brand.roi_answer(**SPAN)["totals"])["net_revenue"] == expected["net_revenue"]
            or None
        ),
        seconds=CREDITED_SECONDS_MAX,
        what="the month is credited",
    )
    return Played(brand, month)


def make_catalog(brand: Brand) -> tuple[dict[str, str], dict[str | None, Any]]:
    """Make the catalog and the costs; return the link code of each placement, and all ids."""
    brand.create("policies", margin=str(float(MARGIN)))
    ids: dict[str | None, Any] = {None: None}
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
    brand.create("stores", name="outlet")
    return links, ids


def make_costs(brand: Brand, ids: dict[str | None, Any]) -> None:
    """Make the costs."""
    for spent in COSTS:
        body: Json = {"kind": spent.kind, "amount_minor": spent.minor, "currency": "EUR"}
        body["incurred_on"] = str(FIRST + timedelta(days=spent.day))
        if spent.owner is not None:
            body[f"{spent.owner}_id"] = ids[spent.owner_id]
        if spent.retail_minor is not None:
            body["retail_value"] = {"amount_minor": spent.retail_minor}
        brand.create("costs", **body)


def redirects(brand: Brand, code: str) -> bool | None:
    """Return whether a link works; None while it does not."""
    return brand.tracking.head(f"/{code}").status_code == 302 or None


def placement(content: Content, ids: dict[str | None, Any]) -> Json:
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


def sold(sale: Sale, ids: dict[str | None, Any]) -> Iterator[Json]:
    """Yield the events of a sale: the order, what the buyer answered, and what was given back."""
    person = {"customer_id": sale.customer or f"customer-{sale.order_id}"}
    if sale.clicked is not None:
        person["visitor_id"] = sale.clicked
    yield {
        "type": "ordered" if sale.kind == "purchase" else "renewed",
        "order_id": sale.order_id,
        "store": sale.store,
        "net": {"amount_minor": sale.minor},
        "currency": "EUR",
        "person": person,
        "codes": [] if sale.code is None else [sale.code],
        "occurred_at": sale.at.isoformat(),
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


@pytest.mark.parametrize("group_by", list(ROWS))
def test_every_figure_equals_the_sum_of_the_facts(played: Played, group_by: str) -> None:
    answer = played.brand.roi_answer(group_by=group_by, **SPAN)
    rows = {row["label"]: measured(row["measures"]) for row in answer["rows"]}
    assert rows == summed(played.month, ROWS[group_by])
    expected = summed(played.month, headline)
    assert {name: measured(answer[name]) for name in HEADLINES} == expected
    assert measured(answer["totals"]) == summed(played.month, lambda _: "all")["all"]


def test_ratios_stand_on_the_program_and_on_own_content(played: Played) -> None:
    answer = played.brand.roi_answer(**SPAN)
    for name, figure in summed(played.month, headline).items():
        if name in ("program", "brand"):
            returned = (figure["contribution"] - figure["cost"]) / figure["cost"]
            assert answer[name]["roi"] == round(float(returned), 6)
            roas = figure["net_revenue"] / figure["cost"]
            assert answer[name]["roas"] == round(float(roas), 6)
    assert "roi" not in answer["totals"]
    assert {warning["id"] for warning in answer["meta"]["warnings"]} == {
        "costs_without_placement",
        "overhead",
    }


def test_the_month_is_proved(played: Played) -> None:
    played.brand.assert_verified()
