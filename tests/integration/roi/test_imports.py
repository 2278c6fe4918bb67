"""Imports over real HTTP and real Postgres: what each kind makes, bad rows, repeats."""

from collections.abc import AsyncIterator
from typing import Any, Final

import pytest

from tests.fixtures.connections import connect
from tests.integration.roi.roi_service import BrandClient, brand_running

COSTS: Final = """\
Invoice;Type;Date;Amount;Currency;Creator name;Note
2026-1;Paid boost;2026-03-01;100.00;EUR;mia;
2026-2;fee;2026-03-02;20.50;EUR;CRM-LEO;for two stories
"""
Json = dict[str, Any]


@pytest.fixture
async def brand(owner_url: str) -> AsyncIterator[BrandClient]:
    async with brand_running(owner_url) as client:
        yield client


async def imported(brand: BrandClient, what: str, file: str, **body: Any) -> Json:
    answer: Json = await brand.post(f"/v1/imports/{what}", {"file": file, **body})
    return answer


async def tried(brand: BrandClient, what: str, file: str, **body: Any) -> Json:
    answer: Json = await brand.ok(
        "POST", f"/v1/imports/{what}?dry_run=true", {"file": file, **body}
    )
    return answer


async def listed(brand: BrandClient, path: str) -> list[Json]:
    items: list[Json] = (await brand.ok("GET", f"/v1/{path}?limit=200"))["items"]
    return items


def counts(answer: Json) -> tuple[int, ...]:
    names = ("created", "changed", "unchanged", "rejected_rows")
    assert answer["rows"] == sum(answer[name] for name in names)
    return tuple(answer[name] for name in names)


async def two_creators(brand: BrandClient) -> tuple[Json, Json]:
    mia = await brand.post("/v1/creators", {"name": "Mia", "handle": "@mia"})
    leo = await brand.post("/v1/creators", {"name": "Leo", "external_id": "CRM-LEO"})
    return mia, leo


async def test_costs_are_imported_once_and_undone(brand: BrandClient) -> None:
    mia, leo = await two_creators(brand)
    dry = await tried(brand, "costs", COSTS)
    assert (dry["id"], counts(dry)) == (None, (2, 0, 0, 0))
    assert [(one["line"], one["change"], one["id"]) for one in dry["changes"]] == [
        (2, "created", None),
        (3, "created", None),
    ]
    assert await listed(brand, "costs") == []
    assert await listed(brand, "imports") == []

    first = await imported(brand, "costs", COSTS)
    assert counts(first) == (2, 0, 0, 0)
    boost, fee = sorted(await listed(brand, "costs"), key=lambda cost: cost["external_id"])
    assert (boost["kind"], boost["creator_id"], boost["note"]) == ("paid_boost", mia["id"], None)
    assert (fee["creator_id"], fee["amount"]["amount_minor"]) == (leo["id"], 2050)
    again = await imported(brand, "costs", COSTS)
    assert counts(again) == (0, 0, 2, 0)

    other = await imported(brand, "costs", COSTS.replace("20.50", "30.00"))
    assert counts(other) == (0, 1, 1, 0)
    assert [(one["line"], one["fields"]) for one in other["changes"]] == [(3, ["amount"])]
    undone = await brand.ok("DELETE", f"/v1/imports/{other['id']}")
    assert undone["undo"] == {"withdrawn": 0, "restored": 1, "left_objects": 0, "left": []}
    assert sorted(await listed(brand, "costs"), key=lambda cost: cost["external_id"]) == [
        boost,
        fee,
    ]
    undone = await brand.ok("DELETE", f"/v1/imports/{first['id']}")
    assert undone["undo"]["withdrawn"] == 2
    assert await listed(brand, "costs") == []
    assert await brand.ok("DELETE", f"/v1/imports/{first['id']}") == undone
    back = await imported(brand, "costs", COSTS)
    assert counts(back) == (0, 2, 0, 0)
    assert back["changes"][0]["fields"] == ["deleted_at"]
    assert len(await listed(brand, "costs")) == 2


async def test_equal_rows_without_an_id_are_as_many_costs_and_keep_their_keys(
    brand: BrandClient,
) -> None:
    head, row = "kind,incurred_on,amount,currency\n", "fee,2026-03-01,10.00,EUR\n"
    assert counts(await imported(brand, "costs", head + row + row)) == (2, 0, 0, 0)
    more = head + "fee,2026-03-02,5.00,EUR\n" + row + row
    assert counts(await imported(brand, "costs", more)) == (1, 0, 2, 0)
    turned = "amount,currency,incurred_on,kind\n10.00,EUR,2026-03-01,fee\n"
    assert counts(await imported(brand, "costs", turned)) == (0, 0, 1, 0)


async def test_bad_rows_are_named_by_line_and_column_and_stop_no_other(brand: BrandClient) -> None:
    await two_creators(brand)
    await brand.post("/v1/creators", {"name": "mia"})
    file = (
        "Kind,Date,Cost,currency,creator,hours,rate,external_id\n"
        "fee,2026-03-01,10.00,EUR,,,,\n"
        "gift,2026-03-01,10.00,EUR,,,,\n"
        "fee,,10.00,EUR,,,,\n"
        'fee,2026-03-01,"1,000.00",EUR,,,,\n'
        "fee,2026-03-01,10.00,EUR,Mia,,,\n"
        "fee,2026-03-01,10.00,EUR,Nobody,,,\n"
        "fee,01.03.2026,10.005,XXX,,,,\n"
        "fee,2026-03-01,10.00,EUR,,7,,\n"
        "fee,2026-03-01,10.00\n"
        "staff_hours,2026-03-01,,EUR,,1.5,20.00,A-1\n"
        "fee,2026-03-01,1.00,EUR,,,,A-1\n"
    )
    answer = await imported(brand, "costs", file)
    assert counts(answer) == (2, 0, 0, 9)
    told = {(one["line"], one["column"]): one["message"] for one in answer["rejected"]}
    assert list(told) == [
        (3, "Kind"),
        (4, "Date"),
        (5, "Cost"),
        (6, "creator"),
        (7, "creator"),
        (8, "Date"),
        (9, "rate"),
        (10, "row"),
        (12, "row"),
    ]
    assert "is empty" in told[4, "Date"]
    assert "decimal point" in told[5, "Cost"]
    assert "of one creator" in told[6, "creator"]
    assert told[12, "row"] == "line 11 is about the same object"
    made = {cost["kind"]: cost["amount"]["amount_minor"] for cost in await listed(brand, "costs")}
    assert made == {"fee": 1000, "staff_hours": 3000}


async def test_unknown_columns_are_shown_and_asked_for(brand: BrandClient) -> None:
    file = "name,Mood,Reach\nMia,good,1\n"
    dry = await tried(brand, "creators", file)
    assert (dry["unknown_columns"], dry["created"]) == (["Mood", "Reach"], 1)
    refused = await brand.refused("POST", "/v1/imports/creators", {"file": file})
    assert refused.status == 422
    assert set(refused.errors) == {"columns.Mood", "columns.Reach"}
    assert "country" in refused.errors["columns.Mood"]
    assert await listed(brand, "creators") == []
    mapped = {"Mood": "topics", "Reach": None}
    assert counts(await imported(brand, "creators", file, columns=mapped)) == (1, 0, 0, 0)
    assert (await listed(brand, "creators"))[0]["topics"] == ["good"]
    assert counts(await imported(brand, "creators", file, skip_unknown=True)) == (0, 0, 1, 0)


async def test_creators_are_known_by_name_and_have_an_account_a_row(brand: BrandClient) -> None:
    file = (
        "Influencer,Channel,Username,Subscribers,country\n"
        "Mia,Instagram,@mia,48000.0,de\n"
        "Mia,TikTok,@mia.tt,,\n"
        "Zoe,youtube,,7,\n"
        "Leo,,,,FR\n"
    )
    made = await imported(brand, "creators", file)
    assert counts(made) == (2, 1, 0, 1)
    assert made["rejected"][0]["column"] == "Username"
    mia = next(one for one in await listed(brand, "creators") if one["name"] == "Mia")
    assert mia["platform_accounts"] == [
        {"platform": "instagram", "handle": "@mia", "followers": 48_000},
        {"platform": "tiktok", "handle": "@mia.tt", "followers": None},
    ]
    assert (mia["handle"], mia["country"]) == ("@mia", "DE")
    assert counts(await imported(brand, "creators", file)) == (0, 0, 3, 1)
    placement = await brand.ok("GET", f"/v1/placements/{mia['automatic_placement_id']}")
    assert placement["deleted_at"] is None
    grown = await imported(brand, "creators", file.replace("48000.0", "50000"))
    assert counts(grown) == (0, 1, 2, 1)
    for one in (grown, made):
        await brand.ok("DELETE", f"/v1/imports/{one['id']}")
    assert await listed(brand, "creators") == []
    placement = await brand.ok("GET", f"/v1/placements/{mia['automatic_placement_id']}")
    assert placement["deleted_at"] is not None


async def test_placements_are_known_by_address_and_links_by_code(brand: BrandClient) -> None:
    mia, _ = await two_creators(brand)
    campaign = await brand.post("/v1/campaigns", {"name": "Spring"})
    file = (
        "Permalink,Network,Creator name,campaign,Publish time,topics,is_brand,Duration (sec)\n"
        "https://instagram.com/reel/A/?igsh=1,Instagram,@mia,spring,2026-03-01 09:00,a;b,,31\n"
        "https://b.example/A,blog,,,,,yes,\n"
        ",blog,Mia,,,,,\n"
    )
    await brand.ok("PATCH", "/v1/workspace", {"time_zone": "Europe/Berlin"})
    made = await imported(brand, "placements", file)
    assert counts(made) == (3, 0, 0, 0)
    assert counts(await imported(brand, "placements", file)) == (0, 0, 3, 0)
    reel = next(one for one in await listed(brand, "placements") if "reel" in (one["url"] or ""))
    assert (reel["creator_id"], reel["campaign_id"]) == (mia["id"], campaign["id"])
    assert (reel["published_at"], reel["topics"]) == ("2026-03-01T08:00:00Z", ["a", "b"])
    assert reel["length_seconds"] == 31

    links = (
        "URL,Placement ID,creator,Short code\n"
        "https://shop.example/bag,https://www.instagram.com/reel/A,,mia-bag\n"
        "https://shop.example/hat,,CRM-LEO,\n"
    )
    made_links = await imported(brand, "links", links)
    assert counts(made_links) == (2, 0, 0, 0)
    assert counts(await imported(brand, "links", links)) == (0, 0, 2, 0)
    bag = next(one for one in await listed(brand, "links") if one["code"] == "mia-bag")
    assert bag["placement_id"] == reel["id"]
    moved = await imported(brand, "links", links.replace("example/bag", "example/bags"))
    assert counts(moved) == (0, 1, 1, 0)
    for one in (moved, made_links, made):
        undone = await brand.ok("DELETE", f"/v1/imports/{one['id']}")
        assert undone["undo"]["left_objects"] == 0
    assert await listed(brand, "links") == []
    assert counts(await imported(brand, "links", links)) == (0, 1, 0, 1), "a code stays taken"


async def test_an_equal_row_changes_no_object_of_a_release_without_one_of_its_fields(
    brand: BrandClient, owner_url: str
) -> None:
    file = "platform,is_brand,url,length_seconds\nblog,yes,https://b.example/A,\n"
    made = await imported(brand, "placements", file)
    placement_id = made["changes"][0]["id"]
    conn = await connect(owner_url)
    try:
        told = "SELECT set_config('laurel.workspaces', $1, false)"
        await conn.execute(told, f"{{{brand.workspace_id}}}")
        await conn.execute(
            "UPDATE roi.versions SET facts = facts - 'length_seconds' WHERE entity_id = $1",
            placement_id,
        )
    finally:
        await conn.close()
    assert counts(await imported(brand, "placements", file)) == (0, 0, 1, 0)
    longer = await imported(brand, "placements", file.replace("A,", "A,30"))
    assert [(one["change"], one["fields"]) for one in longer["changes"]] == [
        ("changed", ["length_seconds"])
    ]


async def test_a_code_of_another_brand_is_one_bad_row(brand: BrandClient) -> None:
    other = await brand.roi.brand(brand.http)
    for one in (brand, other):
        await two_creators(one)
    row = "https://shop.example/bag,Mia,the-bag\n"
    head = "destination,creator,code\n"
    assert counts(await imported(other, "links", head + row)) == (1, 0, 0, 0)
    answer = await imported(brand, "links", head + "https://shop.example/a,Leo,a-bag\n" + row)
    assert counts(answer) == (1, 0, 0, 1)
    assert answer["rejected"] == [{"line": 3, "column": "code", "message": "is taken"}]
    assert [one["code"] for one in await listed(brand, "links")] == ["a-bag"]


async def test_a_repeated_request_imports_once(brand: BrandClient) -> None:
    body = {"file": "name\nMia\n"}
    key = {"headers": {"Idempotency-Key": "file-17"}}
    first = await brand.post("/v1/imports/creators", body, **key)
    assert await brand.post("/v1/imports/creators", body, **key) == first
    assert len(await listed(brand, "imports")) == 1
    other = await brand.refused("POST", "/v1/imports/creators", {"file": "name\nLeo\n"}, **key)
    assert (other.status, list(other.errors)) == (409, ["Idempotency-Key"])


async def test_another_brand_neither_sees_nor_undoes_an_import(brand: BrandClient) -> None:
    made = await imported(brand, "creators", "name\nMia\n")
    other = await brand.roi.brand(brand.http)
    assert await listed(other, "imports") == []
    refused = await other.refused("DELETE", f"/v1/imports/{made['id']}")
    assert refused.status == 404
    assert (await other.refused("DELETE", "/v1/imports/nothing")).status == 404
    assert len(await listed(brand, "creators")) == 1
    costs = "kind,incurred_on,amount,currency,creator\nfee,2026-03-01,1.00,EUR,Mia\n"
    answer = await imported(other, "costs", costs)
    assert answer["rejected"][0]["column"] == "creator"
    reader = await brand.with_key(("read",))
    assert (await reader.refused("DELETE", f"/v1/imports/{made['id']}")).status == 403
