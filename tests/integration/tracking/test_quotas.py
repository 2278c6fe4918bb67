"""Quotas over HTTP: a key that sends too much is refused, and everybody else is served.

Promise: HTTP is real; the clock of the minute is moved by hand.
"""

from datetime import timedelta
from typing import Any, Final

import pytest

from services.tracking.store.quotas import KEYS_A_WORKSPACE, WINDOW_SECONDS, Counted, Quotas
from shared.clock import ManualClock, SystemClock
from shared.http.auth import Principal
from shared.http.problems import Problem
from shared.ids import new_id
from shared.sealing import new_api_key
from shared.telemetry import Telemetry
from tests.fixtures.clocks import ShiftedClock
from tests.integration.shared.sample_app import problem
from tests.integration.tracking.test_claims import ORDER
from tests.integration.tracking.test_shopify_webhooks import ORDER as SHOP_ORDER
from tests.integration.tracking.world import Brand, World

EVENTS: Final = 500  # the smallest limit of a key
CLAIMS: Final = 3
UNKNOWN: Final = 4
ENVIRON: Final = {
    "LAUREL_EVENTS_A_MINUTE": str(EVENTS),
    "LAUREL_CLAIMS_A_MINUTE": str(CLAIMS),
    "LAUREL_UNKNOWN_CODES_A_MINUTE": str(UNKNOWN),
}
REFERRED: Final = {"type": "referred", "occurred_at": "2026-03-01T12:00:00Z", "code": "MIA10"}


def assert_refused(answer: Any, word: str) -> None:
    problem(answer, 429)
    assert word in answer.json()["detail"]
    assert 1 <= int(answer.headers["retry-after"]) <= WINDOW_SECONDS


async def test_the_events_of_a_key_and_of_a_workspace_are_limited(world: World) -> None:
    world.brand.clock = clock = ShiftedClock()
    keys = [new_api_key(public=False) for _ in range(2)]
    other = Brand()
    await world.publish(*(world.brand.key(key, "track") for key in keys), *other.records()[:2])
    batch = [REFERRED] * EVENTS
    async with world.serving(environ=ENVIRON) as site:
        await site.ready()
        assert (await site.post("/v1/events", batch)).json()["accepted"] == EVENTS
        assert_refused(await site.post("/v1/events", [REFERRED]), "this key may send 500 events")
        assert_refused(await site.post("/v1/conversions", ORDER), "this key")
        second = await site.post("/v1/events", batch, keys[0])
        assert second.json()["accepted"] == EVENTS * (KEYS_A_WORKSPACE - 1)
        assert_refused(await site.post("/v1/conversions", ORDER, keys[1]), "this workspace")
        theirs = await site.client.post("/v1/conversions", json=ORDER, headers=other.bearer())
        assert theirs.status_code == 202
        assert (await site.deliver("orders/create", SHOP_ORDER)).status_code == 200
        assert (await site.client.get("/mia")).status_code == 302
        metrics = (await site.client.get("/metrics")).text
        assert 'laurel_quota_refusals_total{quota="events"} 3.0' in metrics
        clock.ahead = timedelta(seconds=WINDOW_SECONDS)
        assert (await site.post("/v1/conversions", ORDER)).status_code == 202


async def test_a_batch_beyond_the_quota_is_refused_whole(world: World) -> None:
    async with world.serving(environ=ENVIRON) as site:
        await site.ready()
        assert (await site.post("/v1/events", [REFERRED])).json()["accepted"] == 1
        assert_refused(await site.post("/v1/events", [REFERRED] * EVENTS), "events a minute")
        await site.events(1)


async def test_the_claims_of_a_public_key_are_limited_and_those_of_a_shop_are_not(
    world: World,
) -> None:
    public = world.brand.public_key
    claim = {"type": "ordered"} | ORDER
    async with world.serving(environ=ENVIRON) as site:
        await site.ready()
        for number in range(CLAIMS):
            answer = await site.post("/v1/conversions", ORDER | {"order_id": f"{number}"}, public)
            assert answer.status_code == 202
        assert_refused(await site.post("/v1/conversions", ORDER, public), "claims of a public key")
        assert_refused(await site.post("/v1/events", [REFERRED, claim], public), "claims")
        assert (await site.post("/v1/events", [REFERRED], public)).json()["accepted"] == 1
        for number in range(CLAIMS * 3):
            answer = await site.post("/v1/conversions", ORDER | {"order_id": f"s{number}"})
            assert answer.status_code == 202


async def test_guesses_of_codes_are_limited_and_links_that_exist_are_not(world: World) -> None:
    async with world.serving(environ=ENVIRON) as site:
        await site.ready()
        for number in range(UNKNOWN):
            problem(await site.client.get(f"/guess{number}"), 404)
        for number in range(3):
            assert_refused(await site.client.get(f"/more{number}"), "unknown short codes")
            assert (await site.client.get("/mia")).status_code == 302
        metrics = (await site.client.get("/metrics")).text
        assert 'laurel_quota_refusals_total{quota="unknown_codes"} 3.0' in metrics


async def test_guesses_on_the_host_of_a_brand_count_for_it_alone(world: World) -> None:
    host = {"host": "go.shop.example"}
    await world.publish(world.brand.link("Ivy", id=new_id(), host=host["host"]))
    async with world.serving(environ=ENVIRON) as site:
        await site.ready()
        for number in range(UNKNOWN):
            problem(await site.client.get(f"/guess{number}", headers=host), 404)
        refused = await site.client.get("/more", headers=host)
        assert_refused(refused, "visitors of go.shop.example may send")
        # Other hosts are counted by themselves, whatever names a stranger invents.
        for number in range(UNKNOWN):
            invented = {"host": f"h{number}.example"}
            problem(await site.client.get("/guess", headers=invented), 404)
        assert_refused(await site.client.get("/more", headers={"host": "new.example"}), "visitors")
        assert (await site.client.get("/ivy", headers=host)).status_code == 302
        assert (await site.client.get("/mia")).status_code == 302


async def test_a_stranger_uses_up_no_quota(world: World) -> None:
    async with world.serving(environ=ENVIRON) as site:
        await site.ready()
        stranger = new_api_key(public=False)
        for _ in range(3):
            problem(await site.post("/v1/events", [REFERRED] * EVENTS, stranger), 401)
        assert (await site.post("/v1/events", [REFERRED] * EVENTS)).json()["accepted"] == EVENTS


@pytest.mark.parametrize("what", Counted)
def test_each_quota_counts_by_key_and_workspace_and_begins_again(what: Counted) -> None:
    clock = ManualClock(SystemClock().now())
    quotas = Quotas(dict.fromkeys(Counted, 2), clock, Telemetry("tracking"))
    workspace = new_id()
    keys = [Principal(workspace, new_id(), frozenset({"track"})) for _ in range(3)]
    for minute in range(3):
        for key in keys[:2]:
            quotas.take(what, key, 2)
        with pytest.raises(Problem) as refused:
            quotas.take(what, keys[0])
        assert refused.value.status == 429
        with pytest.raises(Problem, match="this workspace"):
            quotas.take(what, keys[2])
        clock.advance(30)
        with pytest.raises(Problem) as refused:
            quotas.take(what, keys[0])
        assert refused.value.headers == {"Retry-After": "30"}, minute
        clock.advance(30)
