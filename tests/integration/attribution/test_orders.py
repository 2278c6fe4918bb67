"""The list of orders over HTTP: search, days, state, store, pages, and who was credited."""

import asyncio
import csv
import io
from datetime import timedelta
from typing import Any

import pytest

from services.attribution.pipeline import order_search
from services.attribution.routes import order_export
from shared.catalog import Creator
from shared.http.admission import EXPORTS_MAX
from shared.ids import new_id
from shared.money import format_minor
from tests.factories import NOON
from tests.fixtures.connections import connect
from tests.integration.attribution.story import Story
from tests.integration.attribution.test_http import Service, key_record, serving

EUR = {"currency": "EUR"}
NAMED = ("Ada Lovelace", "Grace Hopper")


def named_creator(story: Story, name: str, creator_id: str | None = None) -> Creator:
    """A creator of this name; without an id that is known, it has no content."""
    return Creator(
        workspace_id=story.workspace_id,
        id=creator_id or new_id(),
        revision=1,
        recorded_at=NOON,
        name=name,
        automatic_placement_id=new_id(),
    )


async def listed(service: Service, **asked: Any) -> list[str]:
    """The ids of all orders that match, over pages of two."""
    found: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = await service.get("/v1/orders", limit=2, **asked, **cursor)
        assert len(page["items"]) <= 2
        found += [item["order_id"] for item in page["items"]]
        if page["next_cursor"] is None:
            return found
        assert len(page["items"]) == 2
        cursor = {"cursor": page["next_cursor"]}


async def fill(service: Service) -> None:
    """Orders of nobody, of Mia and of Tom, a later one of Tom's customer, and a lone refund."""
    story = service.story
    await service.teach(*story.cast())
    await service.teach(named_creator(story, "Mia", story.ident("creator", "mia")))
    mias = story.click("k1", of="mia", by="v1", at=NOON)
    toms = story.click("k2", of="tom", by="v2", at=NOON)
    await service.send(
        mias,
        toms,
        story.order("1000", net=50, at=NOON - timedelta(hours=1), customer="bob"),
        story.order("1001", click=mias, net=4_990, at=NOON + timedelta(hours=1)),
        story.order("1002", click=toms, net=100, at=NOON + timedelta(hours=2), customer="ada"),
        story.order("1003", net=50, at=NOON + timedelta(days=2), customer="ada"),
        story.adjusted(of="9009", amount=10),
    )
    for order_id in ("1000", "1001", "1002", "1003", "9009"):
        await service.explained(order_id)


async def test_orders_are_found_by_what_people_know(place: tuple[str, str]) -> None:
    async with serving(*place) as service:
        await fill(service)
        story = service.story
        every = await listed(service)
        assert sorted(every) == ["1000", "1001", "1002", "1003", "9009"]
        assert [one for one in every if one != "9009"] == ["1003", "1002", "1001", "1000"]
        assert await listed(service, query="1002") == ["1002"]
        assert await listed(service, query="#1002") == ["1002"]
        assert await listed(service, query="ada") == ["1003", "1002"]
        assert await listed(service, query="nobody") == []
        assert await listed(service, status="credited") == ["1003", "1002", "1001"]
        assert await listed(service, status="organic") == ["1000"]
        assert await listed(service, status="awaiting_order") == ["9009"]
        day = NOON.date()
        assert await listed(service, **{"from": str(day + timedelta(days=1))}, query="ada") == [
            "1003"
        ]
        assert await listed(service, to=str(day), status="credited") == ["1002", "1001"]
        assert await listed(service, store="main", query="1001") == ["1001"]
        assert await listed(service, kind="lead") == []
        creator = story.ident("creator", "mia")
        assert await listed(service, query=creator) == ["1001"]


async def test_a_text_that_means_too_much_is_refused_and_not_cut(
    place: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bounds are lowered, because ten thousand placements take minutes to make.

    The statements take the lowered bound, too: one that cut at it would answer 200.
    """
    async with serving(*place) as service:
        await fill(service)
        mia = service.story.ident("creator", "mia")
        for bound, asked, told in (
            ("CREATOR_CONTENT_MAX", mia, "ask for one creator"),
            ("MEANT_MAX", "ada", "ask for fewer days"),
        ):
            with monkeypatch.context() as small:
                small.setattr(order_search, bound, 1)
                answer = await service.client.get("/v1/orders", params={"query": asked})
            assert answer.status_code == 422
            (error,) = answer.json()["errors"]
            assert (error["field"], told in error["message"]) == ("query", True), error
        assert await listed(service, query=mia) == ["1001"]


async def test_a_catalog_is_counted_before_it_is_searched_for_a_name(
    place: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(*place) as service:
        await fill(service)
        mia = service.story.ident("creator", "mia")
        creators, names = len(("Mia", *NAMED)), {"query": "nobody"}
        await service.teach(*(named_creator(service.story, name) for name in NAMED))
        content = 4  # the placements and links of Mia and Tom
        order_like_an_id = new_id()
        await service.send(service.story.order(order_like_an_id))
        await service.explained(order_like_an_id)
        for bound, asked, refusal in (
            (creators, names, None),
            (creators - 1, names, "may be the name of a creator"),
            (creators - 1, {"query": "1001"}, None),
            (creators - 1, {"query": "ada"}, None),
            (creators - 1, {"query": order_like_an_id}, None),
            (creators - 1, {"query": "mia"}, "may be the name of a creator"),
            (content, {"query": mia}, None),
            (content - 1, {"query": mia}, "means a creator among more than"),
            (content - 1, {"query": "ada lovelace"}, "means a creator among more than"),
            (content - 1, {"query": "1001"}, None),
            (content - 1, {"query": order_like_an_id}, None),
            (content - 1, {"query": new_id()}, None),
        ):
            with monkeypatch.context() as small:
                small.setattr(order_search, "CATALOG_MAX", bound)
                answer = await service.client.get("/v1/orders", params=asked)
            if refusal is None:
                assert answer.status_code == 200, (bound, asked, answer.text)
                continue
            assert answer.status_code == 422, (bound, asked)
            (error,) = answer.json()["errors"]
            assert (error["field"], refusal in error["message"]) == ("query", True), error


async def test_an_order_says_who_was_credited_and_what_is_doubtful(place: tuple[str, str]) -> None:
    async with serving(*place) as service:
        await fill(service)
        story = service.story
        items = {item["order_id"]: item for item in (await service.get("/v1/orders"))["items"]}
        assert items["1001"]["net"] == {"amount_minor": 4_990, "currency": "EUR"}
        assert items["1001"]["credits"] == [
            {
                "model": "last",
                "creator_id": story.ident("creator", "mia"),
                "placement_id": story.ident("placement", "mia"),
                "amount": {"amount_minor": 4_990, "currency": "EUR"},
            }
        ]
        assert items["1001"]["attention"] == []
        (nobody,) = items["1000"]["credits"]
        assert (nobody["creator_id"], nobody["placement_id"]) == (None, None)
        assert items["1003"]["new_customer"] is False
        assert items["9009"]["attention"] == ["adjustments_without_order"]


async def test_a_wrong_question_is_named(place: tuple[str, str]) -> None:
    async with serving(*place) as service:
        for asked, field in (
            ({"from": "2026-03-02", "to": "2026-03-01"}, "from"),
            ({"from": "yesterday"}, "from"),
            ({"status": "lost"}, "status"),
            ({"store": "nowhere"}, "store"),
            ({"query": "a\tb"}, "query"),
            ({"query": "   "}, "query"),
            ({"query": "x" * 201}, "query"),
            ({"cursor": "nonsense"}, "cursor"),
            ({"colour": "red"}, "colour"),
        ):
            answer = await service.client.get("/v1/orders", params=asked)
            assert answer.status_code == 422, (asked, answer.text)
            assert [error["field"] for error in answer.json()["errors"]] == [field], asked


async def test_a_file_of_orders_has_every_order_and_the_balance_as_totals(
    place: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Pages of two, so that the file has several.
    monkeypatch.setattr(order_export, "PAGE_ROWS", 2)
    async with serving(*place) as service:
        await fill(service)
        story = service.story
        answer = await service.client.get("/v1/exports/orders.csv")
        assert answer.headers["content-type"].startswith("text/csv")
        lines = list(csv.DictReader(io.StringIO(answer.text, newline=""), strict=True))
        assert [line["order_id"] for line in lines if line["line"] == "row"] == await listed(
            service
        )
        (mias,) = (line for line in lines if line["order_id"] == "1001")
        assert (mias["net"], mias["currency"], mias["status"]) == ("49.90", "EUR", "credited")
        assert mias["creator_ids"] == story.ident("creator", "mia")
        (totals,) = (line for line in lines if line["line"] == "totals")
        balance = await service.get("/v1/ledger/balance", group_by="model,currency")
        (net_minor,) = {item["net_minor"] for item in balance["items"]}
        assert (totals["net"], totals["currency"]) == (format_minor(net_minor, "EUR"), "EUR")
        told = await service.get("/v1/exports/orders.json", query="ada", status="credited")
        assert [item["order_id"] for item in told["items"]] == ["1003", "1002"]
        assert told["items"][1]["placement_ids"] == [story.ident("placement", "tom")]
        assert told["totals"] == [{"currency": "EUR", "net": {"amount_minor": 150, **EUR}}]
        for path, field in (("orders.parquet", "file_format"), ("orders.csv?limit=2", "limit")):
            refused = await service.client.get(f"/v1/exports/{path}")
            assert [error["field"] for error in refused.json()["errors"]] == [field]


async def test_a_brand_has_so_many_exports_of_orders_at_once(place: tuple[str, str]) -> None:
    """Exports are in progress as long as their table is locked."""
    waits = (
        "SELECT count(*) FROM pg_locks"
        " WHERE NOT granted AND relation = 'attribution.conversions'::regclass"
    )
    path, key = "/v1/exports/orders.csv", f"lrl_sec_otherkey_{new_id()}{'x' * 8}"
    others = {"authorization": f"Bearer {key}"}
    async with serving(*place) as service, asyncio.TaskGroup() as exports:
        await fill(service)
        await service.tell(key_record(Story(new_id()), key, "read"))
        # Refused questions and finished files leave no export in progress.
        for asked, status in ((f"{path}?store=nowhere", 422), (path, 200)) * (EXPORTS_MAX + 1):
            assert (await service.client.get(asked)).status_code == status
        owner = await connect(place[0])
        lock = owner.transaction()
        await lock.start()
        await owner.execute("LOCK TABLE attribution.conversions IN ACCESS EXCLUSIVE MODE")
        clients = [service.client, service.reader] * (EXPORTS_MAX // 2)
        running = [exports.create_task(client.get(path)) for client in clients]

        async def locked(count: int) -> None:
            async def holds() -> bool:
                return bool(await owner.fetchval(waits) >= count)

            await service.until(holds)

        await locked(EXPORTS_MAX)
        for client in (service.client, service.reader):
            refused = await client.get(path)
            assert refused.status_code == 429, refused.text
            assert f"more than {EXPORTS_MAX} exports" in refused.json()["detail"]
            assert int(refused.headers["retry-after"]) >= 1
        # Another brand has its own.
        running.append(exports.create_task(service.client.get(path, headers=others)))
        await locked(EXPORTS_MAX + 1)
        await lock.rollback()
        await owner.close()
        assert [(await one).status_code for one in running] == [200] * (EXPORTS_MAX + 1)
        assert (await service.client.get(path)).status_code == 200


@pytest.mark.parametrize("query", ["' OR 1=1 --", "%", "_", "\\", "{}"])
async def test_a_strange_text_means_no_order(place: tuple[str, str], query: str) -> None:
    async with serving(*place) as service:
        await service.send(service.story.order("1", customer="c"))
        await service.explained("1")
        assert await listed(service, query=query) == []
