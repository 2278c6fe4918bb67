"""Rules of single catalog kinds: owners and periods, taken codes, secrets, money, log records.

Promise: a refusal names the wrong field. A change reaches `laurel.catalog` within a second,
complete and in order.
"""

from typing import Any, Final

import pytest

from shared.catalog import (
    KPIS_MAX,
    AnyCatalogRecord,
    ApiKey,
    Code,
    Creator,
    Link,
    Placement,
    Policy,
    Precedence,
)
from shared.ids import api_key_hash, automatic_placement_id
from tests.integration.roi.roi_service import SHORT_URL, BrandClient, brand_running
from tests.integration.roi.test_catalog import basics

JUNE = "2026-06-01T00:00:00Z"


def revision(records: dict[str, AnyCatalogRecord], entity_id: str) -> int:
    """Return the revision of an entity on the log; 0 before its first record."""
    return records[entity_id].revision if entity_id in records else 0


async def test_a_creator_has_one_automatic_placement_that_follows_it(owner_url: str) -> None:
    async with brand_running(owner_url) as brand:
        creator = await brand.post("/v1/creators", {"name": "Mia"})
        own = automatic_placement_id(brand.workspace_id, creator["id"])
        assert creator["automatic_placement_id"] == own
        placement = await brand.ok("GET", f"/v1/placements/{own}")
        assert (placement["automatic"], placement["creator_id"]) == (True, creator["id"])
        assert placement["campaign_id"] is None
        for method in ("PATCH", "DELETE"):
            body = {"platform": "x"} if method == "PATCH" else None
            assert (await brand.refused(method, f"/v1/placements/{own}", body)).status == 409
        found = await brand.published(lambda records: own in records)
        record = found[creator["id"]]
        assert isinstance(record, Creator)
        assert record.automatic_placement_id == own
        await brand.ok("DELETE", f"/v1/creators/{creator['id']}")
        archived = await brand.ok("GET", f"/v1/placements/{own}")
        assert archived["deleted_at"] is not None
        await brand.published(lambda records: records[own].deleted_at is not None)


async def test_a_placement_is_corrected_and_never_moves_from_a_date_on(owner_url: str) -> None:
    async with brand_running(owner_url) as brand:
        ids = await basics(brand)
        other = (await brand.post("/v1/creators", {"name": "Other"}))["id"]
        path = f"/v1/placements/{ids['$placement']}"
        for moment in (JUNE, None, "soon"):
            refused = await brand.refused(
                "PATCH", path, {"creator_id": other, "valid_from": moment}
            )
            assert (refused.status, list(refused.errors)) == (422, ["valid_from"])
            assert "new placement" in refused.errors["valid_from"]
            assert "link" in refused.errors["valid_from"]
            assert "code" in refused.errors["valid_from"]
        put = f"/v1/placements/by-external-id/{ids['$placement']}"
        whole = {"creator_id": other, "platform": "x", "valid_from": JUNE}
        assert list((await brand.refused("PUT", put, whole)).errors) == ["valid_from"]
        assert (await brand.ok("GET", path))["creator_id"] == ids["$creator"]

        changes = {"creator_id": other, "campaign_id": ids["$campaign"], "format": "Long"}
        restated = await brand.ok("PATCH", path, changes)
        assert restated["format"] == "long"
        assert "periods" not in restated
        found = await brand.published(lambda r: revision(r, ids["$placement"]) == 2)
        record = found[ids["$placement"]]
        assert isinstance(record, Placement)
        assert (record.creator_id, record.campaign_id) == (other, ids["$campaign"])
        assert (record.v, record.platform, record.automatic) == (2, "instagram", False)


async def test_the_brands_own_content_has_no_creator(owner_url: str) -> None:
    async with brand_running(owner_url) as brand:
        ids = await basics(brand)
        body: dict[str, Any] = {"platform": "YouTube ", "is_brand": True}
        made = await brand.post("/v1/placements", body)
        assert (made["creator_id"], made["platform"]) == (None, "youtube")
        both = await brand.refused("POST", "/v1/placements", body | {"creator_id": ids["$creator"]})
        assert list(both.errors) == ["creator_id"]
        neither = await brand.refused("POST", "/v1/placements", {"platform": "youtube"})
        assert (neither.status, list(neither.errors)) == (422, ["creator_id"])
        given = await brand.ok(
            "PATCH", f"/v1/placements/{made['id']}", {"creator_id": ids["$creator"]}
        )
        assert given["is_brand"] is False


async def test_a_link_has_a_code_a_canonical_destination_and_one_owner(owner_url: str) -> None:
    async with brand_running(owner_url) as brand:
        ids = await basics(brand)
        made = await brand.post(
            "/v1/links",
            {"creator_id": ids["$creator"], "destination": "HTTPS://Bücher.example:443?a=ä"},
        )
        assert made["destination"] == "https://xn--bcher-kva.example/?a=%C3%A4"
        assert len(made["code"]) == 12
        assert made["short_url"] == f"{SHORT_URL}/{made['code']}"
        record = (await brand.published(lambda r: made["id"] in r))[made["id"]]
        assert isinstance(record, Link)
        own = automatic_placement_id(brand.workspace_id, ids["$creator"])
        assert [period.placement_id for period in record.periods] == [own]
        assert (record.code, record.destination) == (made["code"], made["destination"])

        path = f"/v1/links/{made['id']}"
        moved = await brand.ok(
            "PATCH", path, {"placement_id": ids["$placement"], "valid_from": JUNE, "enabled": False}
        )
        assert (moved["placement_id"], moved["creator_id"]) == (ids["$placement"], None)
        record = (await brand.published(lambda r: revision(r, made["id"]) == 2))[made["id"]]
        assert isinstance(record, Link)
        assert [period.placement_id for period in record.periods] == [own, ids["$placement"]]
        assert not record.enabled
        assert list((await brand.refused("PATCH", path, {"code": "other"})).errors) == ["code"]
        assert (await brand.ok("PATCH", path, {"code": made["code"]}))["code"] == made["code"]
        for owners in (
            {},
            {"creator_id": ids["$creator"], "placement_id": ids["$placement"]},
        ):
            refused = await brand.refused(
                "POST", "/v1/links", {"destination": "https://a.example"} | owners
            )
            assert refused.status == 422
            assert set(refused.errors) <= {"creator_id", "placement_id"}
            assert refused.errors


@pytest.mark.parametrize(
    "destination",
    [
        "javascript:alert(1)",
        "https://a.example\\@evil.example",
        "https://u:p@a.example",
        "//a.example",
        "https://go.example/loop",
        "https://GO.example:443",
        "https://127.1/",
        "",
    ],
)
async def test_a_bad_destination_is_named(owner_url: str, destination: str) -> None:
    async with brand_running(owner_url) as brand:
        creator = await brand.post("/v1/creators", {"name": "Mia"})
        refused = await brand.refused(
            "POST", "/v1/links", {"creator_id": creator["id"], "destination": destination}
        )
        assert (refused.status, list(refused.errors)) == (422, ["destination"])


async def test_a_taken_link_code_says_only_that(owner_url: str) -> None:
    async with brand_running(owner_url) as brand:
        other = await brand.roi.brand(brand.http)
        word = brand.workspace_id[-12:] + "-Mia"
        made = []
        for owner in (brand, other):
            creator = await owner.post("/v1/creators", {"name": "Mia"})
            made.append({"creator_id": creator["id"], "destination": "https://a.example/"})
        link = await brand.post("/v1/links", made[0] | {"code": word})
        for owner, body in ((brand, made[0]), (other, made[1])):
            for spelling in (word, word.upper()):
                taken = await owner.refused("POST", "/v1/links", body | {"code": spelling})
                assert (taken.status, taken.errors) == (409, {"code": "is taken"})
        await brand.ok("DELETE", f"/v1/links/{link['id']}")
        assert (await other.refused("POST", "/v1/links", made[1] | {"code": word})).status == 409
        for word in ("v1", "WEBHOOKS", "a b", "é", "x" * 65):
            refused = await brand.refused("POST", "/v1/links", made[0] | {"code": word})
            assert (refused.status, list(refused.errors)) == (422, ["code"])


async def test_codes_have_an_owner_and_dates_and_may_overlap(owner_url: str) -> None:
    async with brand_running(owner_url) as brand:
        ids = await basics(brand)
        other = (await brand.post("/v1/creators", {"name": "Other"}))["id"]
        first = await brand.post("/v1/codes", {"code": " mia10 ", "creator_id": ids["$creator"]})
        second = await brand.post(
            "/v1/codes", {"code": "MIA10", "creator_id": other, "valid_from": JUNE}
        )
        closed = await brand.ok("PATCH", f"/v1/codes/{first['id']}", {"valid_to": JUNE})
        assert (closed["valid_from"], closed["valid_to"]) == (None, JUNE)
        found = await brand.published(lambda r: second["id"] in r and revision(r, first["id"]) == 2)
        records = [found[first["id"]], found[second["id"]]]
        assert all(isinstance(record, Code) and record.code == "MIA10" for record in records)
        own = automatic_placement_id(brand.workspace_id, other)
        assert isinstance(records[1], Code)
        assert [period.placement_id for period in records[1].periods] == [own]
        reversed_dates = {"valid_from": JUNE, "valid_to": JUNE}
        refused = await brand.refused("PATCH", f"/v1/codes/{first['id']}", reversed_dates)
        assert list(refused.errors) == ["valid_to"]
        foreign = {"code": "X", "creator_id": other, "placement_id": ids["$placement"]}
        assert list((await brand.refused("POST", "/v1/codes", foreign)).errors) == ["placement_id"]


async def test_keys_open_what_their_scopes_say_and_close_at_once(owner_url: str) -> None:
    async with brand_running(owner_url) as admin:
        made = await admin.post("/v1/keys", {"name": "reader", "scopes": ["read"]})
        assert made["key"].startswith(made["label"] + "_")
        reader = BrandClient(admin.roi, admin.http, admin.workspace_id, made["key"])
        await reader.ok("GET", "/v1/creators")
        assert (await reader.refused("POST", "/v1/creators", {"name": "x"})).status == 403
        assert (await reader.refused("GET", "/v1/keys")).status == 403
        writer = await admin.with_key(["read", "write"])
        await writer.post("/v1/creators", {"name": "x"})
        assert (await writer.refused("POST", "/v1/policies", {})).status == 403
        record = (await admin.published(lambda r: made["id"] in r))[made["id"]]
        assert isinstance(record, ApiKey)
        assert record.sha256 == api_key_hash(made["key"])
        await admin.ok("DELETE", f"/v1/keys/{made['id']}")
        assert (await reader.refused("GET", "/v1/creators")).status == 401
        assert (
            await admin.call("GET", "/v1/creators", headers={"Authorization": ""})
        ).status_code == 401

        public = await admin.post(
            "/v1/keys", {"public": True, "origins": ["https://Shop.example:443"]}
        )
        assert public["key"].startswith("lrl_pub_")
        assert (public["scopes"], public["origins"]) == (["collect"], ["https://shop.example"])
        for body, field in (
            ({"name": "x"}, "scopes"),
            ({"scopes": []}, "scopes"),
            ({"scopes": ["collect"]}, "scopes"),
            ({"scopes": ["root"]}, "scopes.0"),
            ({"scopes": ["read", "read"]}, "scopes"),
            ({"public": True, "scopes": ["read"]}, "scopes"),
            ({"scopes": ["read"], "origins": ["https://a.example"]}, "origins"),
            ({"public": True, "origins": ["https://a.example/x"]}, "origins.0"),
        ):
            refused = await admin.refused("POST", "/v1/keys", body)
            assert (refused.status, list(refused.errors)) == (422, [field]), body


WRONG_POLICIES: Final[tuple[tuple[dict[str, Any], str], ...]] = (
    ({"margin": 1.01}, "margin"),
    ({"margin": "-0.1"}, "margin"),
    ({"margin": "0.1234567"}, "margin"),
    ({"margin": True}, "margin"),
    ({"margin": "NaN"}, "margin"),
    ({"windows_days": {"click": -1}}, "windows_days.click"),
    ({"windows_days": {"click": 731}}, "windows_days.click"),
    ({"windows_days": {"like": 1}}, "windows_days.like"),
    ({"precedence": "coin"}, "precedence"),
    ({"models": []}, "models"),
    ({"models": ["markov"]}, "models.0"),
    ({"models": ["last", {"name": "last"}]}, "models"),
    ({"models": ["last", {"name": "markov"}]}, "models.1"),
    ({"models": [{"name": "time_decay", "half_life": 7}]}, "models.0.half_life"),
    ({"models": [{"name": "time_decay", "half_life_days": 0}]}, "models.0.half_life_days"),
    (
        {"models": [{"name": "time_decay", "half_life_days": True}]},
        "models.0.half_life_days",
    ),
    (
        {"models": [{"name": "position", "last_share_percent": 61}]},
        "models.0.first_share_percent",
    ),
    ({"models": [7]}, "models.0"),
    ({"stages": {"clicks": "purchase"}}, "stages.clicks"),
    ({"stages": {"click": "somewhere"}}, "stages.click"),
    ({"stages": {"click": ["purchase"]}}, "stages.click"),
    ({"stages": []}, "stages"),
    ({"kpis": []}, "kpis"),
    ({"kpis": {"fame": ["clicks"]}}, "kpis.fame"),
    ({"kpis": {"purchase": "clicks"}}, "kpis.purchase"),
    ({"kpis": {"purchase": [1]}}, "kpis.purchase"),
    ({"kpis": {"purchase": ["clicks", "clicks"]}}, "kpis.purchase"),
    ({"kpis": {"purchase": ["glory"]}}, "kpis.purchase"),
    ({"kpis": {"purchase": ["net_revenue"]}}, "kpis.purchase"),
    ({"kpis": {"purchase": ["aov"]}}, "kpis.purchase"),
    ({"kpis": {"purchase": ["roi"]}}, "kpis.purchase"),
    ({"kpis": {"purchase": ["contribution_at_purchase"]}}, "kpis.purchase"),
    ({"kpis": {"purchase": [f"metric_{n}" for n in range(KPIS_MAX + 1)]}}, "kpis.purchase"),
    ({"valid_from": "2026-06-01"}, "valid_from"),
)


async def test_policies_are_exact_and_closed(owner_url: str) -> None:
    async with brand_running(owner_url) as brand:
        made = await brand.post(
            "/v1/policies",
            {
                "valid_from": JUNE,
                "margin": 0.333333,
                "windows_days": {"click": 7},
                "precedence": "both_share",
                "models": ["last"],
            },
        )
        assert made["margin"] == 0.333333
        assert made["windows_days"] == {"click": 7, "view": 0, "referral": 30, "survey": 30}
        path = f"/v1/policies/{made['id']}"
        changed = await brand.ok("PATCH", path, {"windows_days": {"view": 1}, "margin": "1"})
        assert changed["windows_days"] == {"click": 7, "view": 1, "referral": 30, "survey": 30}
        record = (await brand.published(lambda r: revision(r, made["id"]) == 2))[made["id"]]
        assert isinstance(record, Policy)
        assert (record.margin_millionths, record.precedence) == (1_000_000, Precedence.BOTH_SHARE)
        assert (record.models, record.windows_days["click"]) == (("last",), 7)
        models = ["first", {"name": "time_decay", "half_life_days": 3}]
        stages = {"click": "engagement", "later_purchase": "advocacy", "lead": "purchase"}
        changed = await brand.ok("PATCH", path, {"models": models, "stages": stages})
        assert (changed["models"], changed["stages"]) == (models, stages)
        assert (await brand.ok("GET", path))["stages"] == stages
        record = (await brand.published(lambda r: revision(r, made["id"]) == 3))[made["id"]]
        assert isinstance(record, Policy)
        assert (record.models, record.stages) == (tuple(models), stages)
        for body, field in WRONG_POLICIES:
            refused = await brand.refused("POST", "/v1/policies", body)
            assert (refused.status, list(refused.errors)) == (422, [field]), body


async def test_a_campaign_has_dates_in_order_and_a_budget_with_a_currency(owner_url: str) -> None:
    async with brand_running(owner_url) as brand:
        made = await brand.post("/v1/campaigns", {"name": "S", "budget": "100", "currency": "USD"})
        assert made["budget"] == {"amount_minor": 10_000, "currency": "USD"}
        path = f"/v1/campaigns/{made['id']}"
        assert (await brand.ok("PATCH", path, {"budget": "50"}))["budget"]["currency"] == "USD"
        assert (await brand.ok("PATCH", path, {"budget": None}))["budget"] is None
        dates = {"starts_on": "2026-05-02", "ends_on": "2026-05-01"}
        assert list((await brand.refused("PATCH", path, dates)).errors) == ["ends_on"]
        assert list((await brand.refused("PATCH", path, {"name": None})).errors) == ["name"]
        assert list((await brand.refused("PATCH", path, {"name": " "})).errors) == ["name"]
