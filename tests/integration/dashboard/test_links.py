"""Links and codes: what each brought, making one, testing an address, ending a code."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from tests.e2e.installation import Brand, Installation, eventually
from tests.integration.dashboard.site import Visitor

pytestmark = [pytest.mark.xdist_group("installation")]


def test_links_and_codes_show_what_they_brought(installation: Installation, demo: Visitor) -> None:
    roi = installation.client("roi", demo.key)
    for dimension, panel in (("link", "links"), ("code", "codes")):
        rows = roi.get("/v1/roi", params={"group_by": dimension, "currency": "EUR"}).json()["rows"]
        told = {row["label"]: row["measures"]["net_revenue"]["amount_minor"] for row in rows}
        for unnamed in ("unallocated", "overhead"):
            told.pop(unnamed, None)
        lines = demo.csv(f"/app/links.csv?panel={panel}")
        shown = {
            line["code"]: Decimal(line["net_revenue"]) for line in lines if line["net_revenue"]
        }
        assert shown == {code: Decimal(minor).scaleb(-2) for code, minor in told.items()}


def test_a_link_is_made_tested_clicked_and_archived(
    new_brand: Callable[[], Brand], dashboard: str
) -> None:
    brand = new_brand()
    mia = brand.create("creators", name="Mia")
    owner = f"creator_id:{mia['id']}"
    with Visitor(dashboard, brand.key) as visitor:
        fields = {"owner": owner, "destination": "https://shop.example/bag"}
        made = visitor.send("/app/links/new/link", "/app/links", **fields)
        assert made.status_code == 303, made.text
        page = made.headers["location"].partition("?")[0]
        link = brand.roi.get(f"/v1/links/{page.rpartition('/')[2]}").json()
        assert link["short_url"] in visitor.get(page)
        eventually(
            lambda: "It works: visitors are led to" in visitor.get(f"{page}?test=yes"),
            what="the test of the link",
        )
        brand.click(link["code"])
        eventually(
            lambda: [line["clicks"] for line in visitor.csv(f"{page}.csv?panel=days")][:1] == ["1"],
            what="the click is on the page of its link",
        )
        off = visitor.send(page, page, destination="https://shop.example/hat")
        assert off.status_code == 303, off.text
        assert brand.roi.get(f"/v1/links/{link['id']}").json()["enabled"] is False
        gone = visitor.send(f"{page}/archive", page)
        assert gone.status_code == 303
        assert link["code"] not in visitor.get("/app/links")


def test_a_code_is_entered_for_whole_days_and_ended(
    new_brand: Callable[[], Brand], dashboard: str
) -> None:
    brand = new_brand()
    assert brand.roi.patch("/v1/workspace", json={"time_zone": "Asia/Tokyo"}).status_code == 200
    mia = brand.create("creators", name="Mia")
    reel = brand.create("placements", creator_id=mia["id"], platform="instagram")
    with Visitor(dashboard, brand.key) as visitor:
        fields = {"code": "MIA10", "owner": f"placement_id:{reel['id']}"}
        days = {"valid_from": "2026-11-01"}
        made = visitor.send("/app/links/new/code", "/app/links", **fields, **days)
        assert made.status_code == 303, made.text
        (code,) = brand.roi.get("/v1/codes").json()["items"]
        assert (code["creator_id"], code["placement_id"]) == (mia["id"], reel["id"])
        assert code["valid_from"] == "2026-10-31T15:00:00Z"
        ended = visitor.send(f"/app/links/codes/{code['id']}/end", "/app/links")
        assert ended.status_code == 303, ended.text
        assert "End MIA10 now" not in visitor.get("/app/links")


@pytest.mark.parametrize(
    ("form", "wrong", "told"),
    [
        ("link", {"destination": "javascript:alert(1)"}, "field-destination-error"),
        ("link", {"owner": ""}, "creator_id"),
        ("code", {"code": ""}, "field-code-error"),
        ("code", {"valid_from": "soon"}, "field-valid_from-error"),
    ],
)
def test_a_wrong_form_says_what_is_wrong(
    installation: Installation, demo: Visitor, form: str, wrong: dict[str, str], told: str
) -> None:
    creator = installation.client("roi", demo.key).get("/v1/creators").json()["items"][0]
    fields = {
        "owner": f"creator_id:{creator['id']}",
        "destination": "https://shop.example/",
        "code": "never-made",
    }
    answer = demo.send(f"/app/links/new/{form}", "/app/links", **{**fields, **wrong})
    assert answer.status_code == 422
    assert told in answer.text
