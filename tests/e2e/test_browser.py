"""A journey in a real browser: links of two creators, a buyer who comes back, and a refusal.

Only this test shows that a browser follows the redirect, keeps the cookie over a restart and sends
it back.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from tests.e2e.installation import Brand, Installation, Json, by_label, eventually
from tests.e2e.storefront import open_storefront
from tests.fixtures.browser import chromium, open_browser, visit

pytestmark = [pytest.mark.xdist_group("e2e"), pytest.mark.browser]

VISITOR_COOKIE: Final = "lvid"


class TwoCreators:
    """Two creators, each with a link to the shop, on separate placements."""

    def __init__(self, brand: Brand, shop: str) -> None:
        self.placements: dict[str, str] = {}
        self.links: dict[str, str] = {}
        for name in ("Mia", "Tom"):
            creator = brand.create("creators", name=name)
            placement = brand.create("placements", creator_id=creator["id"], platform="youtube")
            destination = f"{shop}/bag?color=red"
            link = brand.create("links", placement_id=placement["id"], destination=destination)
            self.placements[name] = placement["id"]
            self.links[name] = f"{brand.laurel.url('tracking')}/{link['code']}"
            wait_for_link(brand, link["code"])


def wait_for_link(brand: Brand, code: str) -> None:
    """Wait until tracking has the link; it answers HEAD and records nothing."""
    eventually(
        lambda: brand.tracking.head(f"/{code}").status_code == 302 or None,
        what=f"the link {code} redirects",
    )


def sell(brand: Brand, order_id: str, click_id: str | None) -> None:
    """Report the order with the secret key, as the server of a shop does."""
    brand.order(
        order_id,
        net="49.90",
        currency="EUR",
        occurred_at=datetime.now(UTC).isoformat(),
        person={"click_id": click_id} if click_id else {"customer_id": "42"},
    )


def decided(brand: Brand, order_id: str, touches: int) -> Json:
    """Wait until so many touches of an order are kept: attribution may know its link later."""

    def look() -> Json | None:
        found = brand.explanation(order_id)
        return found if found and len(kept_touches(found)) == touches else None

    return eventually(look, what=f"order {order_id} is decided by {touches} touches")


def kept_touches(explained: Json) -> list[Json]:
    """Return the touches that counted in the last decision."""
    candidates = explained["revisions"][-1]["candidates"]
    return [one for one in candidates if one["verdict"] == "kept"]


@pytest.mark.parametrize("laurel", ["embedded"], indirect=True)
async def test_a_browser_is_recognised_unless_it_refuses(
    laurel: Installation, scratch: Path
) -> None:
    """Two parts in one installation: with the cookie, then with `Sec-GPC: 1`."""
    chromium()
    await both_touches_of_one_browser_earn(
        Brand.in_new_workspace(laurel, "seen"), scratch / "profile-seen"
    )
    await a_refusal_leaves_a_click_and_no_key(
        Brand.in_new_workspace(laurel, "unseen"), scratch / "profile-unseen"
    )


async def both_touches_of_one_browser_earn(brand: Brand, profile: Path) -> None:
    click_ids: list[str | None] = []

    def at_checkout(click_id: str | None) -> None:
        click_ids.append(click_id)
        sell(brand, "1001", click_id)

    with open_storefront(at_checkout) as shop:
        creators = TwoCreators(brand, shop)
        async with open_browser(profile) as context:
            page = await visit(context, creators.links["Mia"])
            assert page.url.startswith(f"{shop}/bag?color=red&lclid=")
            first_page = page.url
            kept = {
                cookie["name"]: cookie for cookie in await context.cookies(creators.links["Mia"])
            }
            assert set(kept) == {VISITOR_COOKIE}
            assert kept[VISITOR_COOKIE]["httpOnly"]
            visitor_id = kept[VISITOR_COOKIE]["value"]
        async with open_browser(profile) as context:
            page = await visit(context, creators.links["Tom"])
            assert page.url != first_page
            again = [cookie["value"] for cookie in await context.cookies(creators.links["Tom"])]
            assert again == [visitor_id], "the cookie outlived the browser"
            await page.get_by_role("button", name="Buy").click()
            await page.get_by_text("Thank you").wait_for()
            assert click_ids == [page.url.rpartition("lclid=")[2]]

    why = decided(brand, "1001", touches=2)
    assert [(touch["kind"], touch["placement_id"]) for touch in kept_touches(why)] == [
        ("click", creators.placements["Mia"]),
        ("click", creators.placements["Tom"]),
    ]
    assert why["status"] == "credited"
    assert brand.credited_to("1001", "first") == {creators.placements["Mia"]: 4990}
    assert brand.credited_to("1001", "last") == {creators.placements["Tom"]: 4990}
    assert brand.credited_to("1001", "linear") == {
        creators.placements["Mia"]: 2495,
        creators.placements["Tom"]: 2495,
    }


async def a_refusal_leaves_a_click_and_no_key(brand: Brand, profile: Path) -> None:
    click_ids: list[str | None] = []

    def at_checkout(click_id: str | None) -> None:
        click_ids.append(click_id)
        sell(brand, "2001", click_id)

    with open_storefront(at_checkout) as shop:
        creators = TwoCreators(brand, shop)
        async with open_browser(profile, {"Sec-GPC": "1"}) as context:
            page = await visit(context, creators.links["Mia"])
            assert page.url == f"{shop}/bag?color=red", "no click id"
            assert await context.cookies() == [], "no cookie"
            await page.get_by_role("button", name="Buy").click()
            await page.get_by_text("Thank you").wait_for()
    assert click_ids == [None]
    why = decided(brand, "2001", touches=0)
    assert why["status"] == "organic"
    assert why["revisions"][-1]["candidates"] == []

    def counted() -> Json | None:
        rows = by_label(brand.roi_answer())
        return rows["Mia"] if rows.get("Mia", {"clicks": 0})["clicks"] else None

    assert eventually(counted, what="the click is counted")["clicks"] == 1
