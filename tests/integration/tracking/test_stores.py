"""Stores over HTTP: reports that name a store, connections of two shops, and unnamed stores."""

from typing import Any

import pytest

from shared.events import Identified, OrderAdjusted, Ordered, Quality
from shared.ids import main_store_id, new_id
from tests.integration.tracking.test_claims import MOMENT, ORDER, REFUND
from tests.integration.tracking.test_shopify_webhooks import ORDER as DELIVERED
from tests.integration.tracking.world import Site, until

OUTLET = new_id()


async def with_outlet(site: Site, **fields: Any) -> None:
    """Publish a second store and wait until tracking knows it."""
    brand = site.world.brand
    outlet = brand.store(OUTLET, "Outlet", external_id="outlet 1", **fields)
    await site.world.publish(brand.store(), outlet)
    catalog = site.tracking.catalog
    await until(lambda: catalog.store(brand.workspace_id, OUTLET) is not None)


async def test_a_store_is_named_by_id_external_id_or_name(site: Site) -> None:
    await with_outlet(site)
    bodies = [ORDER | {"store": named} for named in (OUTLET, "outlet 1", " Outlet ")]
    answers = [await site.post("/v1/conversions", body) for body in bodies]
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["event_id"] for answer in answers}) == 1
    events = await site.events(3)
    assert {(e.store, e.quality) for e in events} == {(OUTLET, ())}


async def test_the_first_store_is_main_by_every_name_and_adds_nothing_to_ids(site: Site) -> None:
    before = await site.post("/v1/conversions", ORDER)
    await with_outlet(site)
    own = main_store_id(site.world.brand.workspace_id)
    answers = [await site.post("/v1/conversions", ORDER | {"store": n}) for n in ("main", own)]
    assert {a.json()["event_id"] for a in answers} == {before.json()["event_id"]}
    assert {(e.store, e.quality) for e in await site.events(3)} == {("main", ())}


async def test_one_order_id_in_two_stores_is_two_events_and_refunds_follow(site: Site) -> None:
    await with_outlet(site)
    for body in (ORDER | {"store": "main"}, ORDER | {"store": OUTLET}):
        assert (await site.post("/v1/conversions", body)).status_code == 202
    for body in (REFUND | {"store": "main"}, REFUND | {"store": OUTLET}):
        assert (await site.post("/v1/adjustments", body)).status_code == 202
    item = {"type": "identified", "occurred_at": MOMENT, "store": "Outlet"}
    sent = [item | {"person": {"customer_id": "17", "visitor_id": "v1"}}]
    assert (await site.post("/v1/events", sent)).json()["accepted"] == 1
    events = await site.events(5)
    assert len({e.event_id for e in events}) == 5
    told = {(type(e), e.store) for e in events}
    assert told == {
        (Ordered, "main"),
        (Ordered, OUTLET),
        (OrderAdjusted, "main"),
        (OrderAdjusted, OUTLET),
        (Identified, OUTLET),
    }


@pytest.mark.parametrize(("path", "body"), [("conversions", ORDER), ("adjustments", REFUND)])
async def test_an_unknown_store_is_422_naming_the_field(
    site: Site, path: str, body: dict[str, Any]
) -> None:
    for named in (new_id(), "Outlet", "x" * 201, "", " ", 5, None):
        answer = await site.post(f"/v1/{path}", body | {"store": named})
        if named is None:
            assert answer.status_code == 202
            continue
        assert answer.status_code == 422, answer.text
        assert [error["field"] for error in answer.json()["errors"]] == ["store"]


async def test_a_name_of_two_stores_names_neither_and_an_archived_store_is_still_named(
    site: Site,
) -> None:
    await with_outlet(site, deleted_at=site.world.brand.clock.now())
    twice = ORDER | {"store": "Outlet"}
    assert (await site.post("/v1/conversions", twice)).status_code == 202
    await site.world.publish(site.world.brand.store(new_id(), "Outlet", external_id="two"))
    catalog = site.tracking.catalog
    await until(lambda: catalog.store(site.world.brand.workspace_id, "two") is not None)
    assert (await site.post("/v1/conversions", twice)).status_code == 422


async def test_an_unnamed_store_is_flagged_where_there_are_several(site: Site) -> None:
    await site.post("/v1/conversions", ORDER | {"order_id": "one store"})
    await with_outlet(site)
    await site.post("/v1/conversions", ORDER | {"order_id": "unnamed"})
    await site.post("/v1/adjustments", REFUND | {"order_id": "unnamed"})
    await site.post("/v1/conversions", ORDER | {"order_id": "named", "store": "main"})
    flagged = {
        (type(e), e.natural_id)
        for e in await site.events(4)
        if isinstance(e, Ordered | OrderAdjusted) and Quality.UNNAMED_STORE in e.quality
    }
    assert flagged == {(Ordered, "unnamed"), (OrderAdjusted, "unnamed")}


async def test_two_connections_deliver_one_order_number_to_two_stores(site: Site) -> None:
    await with_outlet(site)
    brand = site.world.brand
    second = brand.connection(store_id=OUTLET)
    named_main = brand.connection(store_id=main_store_id(brand.workspace_id))
    await site.world.publish(second, named_main)
    await until(lambda: site.tracking.catalog.connection(named_main.id) is not None)
    ids = []
    for connection_id in (brand.connection_id, second.id, named_main.id):
        answer = await site.deliver("orders/create", DELIVERED, connection_id=connection_id)
        ids += answer.json()["event_ids"]
    assert ids[0] == ids[2] != ids[1]
    events = await site.events(3)
    assert [e.store for e in events] == ["main", OUTLET, "main"]
    assert {e.quality for e in events} == {()}
