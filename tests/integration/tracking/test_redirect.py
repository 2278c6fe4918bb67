"""Redirects: their targets, their events, consent, and that shortcut and application agree."""

import re
from datetime import UTC, datetime
from urllib.parse import urlsplit

import httpx
import pytest

from shared.events import Clicked, Person, Quality
from shared.ids import click_event_id
from tests.fixtures.http import running
from tests.integration.tracking.world import Site, World


def click_of(response: httpx.Response) -> str:
    found = re.search(r"lclid=([A-Za-z0-9_-]{50})", response.headers["location"])
    assert found is not None, response.headers
    return found[1]


async def clicks(site: Site, count: int) -> list[Clicked]:
    return [event for event in await site.events(count) if isinstance(event, Clicked)]


async def test_a_click_leads_to_the_destination_and_becomes_an_event(site: Site) -> None:
    response = await site.client.get("/mIA?s=bio+link")
    brand = site.world.brand
    click_id = click_of(response)
    assert response.status_code == 302
    assert response.headers["location"] == f"https://shop.example/p?x=1&lclid={click_id}#top"
    assert response.headers["cache-control"] == "no-store"
    cookie = response.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    assert "Secure" not in cookie
    (event,) = await clicks(site, 1)
    assert event.event_id == click_event_id(brand.workspace_id, click_id)
    assert (event.link_id, event.workspace_id) == (brand.link_id, brand.workspace_id)
    assert event.person.click_id == click_id
    assert event.person.visitor_id == cookie.split(";")[0].removeprefix("lvid=")
    assert event.sub_source == "bio link"
    assert abs((datetime.now(UTC) - event.occurred_at).total_seconds()) < 60
    facts = brand.signer.read(click_id)
    assert facts is not None
    assert (facts.link_id, facts.occurred_at) == (brand.link_id, event.occurred_at)


async def test_a_returning_visitor_keeps_the_id(site: Site) -> None:
    first = await site.client.get("/mia")
    lvid = site.client.cookies["lvid"]
    again = await site.client.get("/mia", headers={"Cookie": f"a=b; lvid={lvid}; c=d"})
    forged = await site.client.get("/mia", headers={"Cookie": "lvid=<script>"})
    events = await clicks(site, 3)
    assert first.cookies["lvid"] == again.cookies["lvid"] == lvid
    assert forged.cookies["lvid"] != "<script>"
    assert [event.person.visitor_id for event in events].count(lvid) == 2
    assert len({event.event_id for event in events}) == 3


@pytest.mark.parametrize(
    ("query", "headers"),
    [("", {"Sec-GPC": "1"}), ("", {"DNT": "1"}), ("?consent=0", {}), ("?s=a&consent=0", {})],
)
async def test_without_consent_nothing_identifies(
    site: Site, query: str, headers: dict[str, str]
) -> None:
    response = await site.client.get(
        f"/mia{query}", headers={**headers, "Cookie": "lvid=" + "a" * 21 + "w"}
    )
    assert response.headers["location"] == "https://shop.example/p?x=1#top"
    assert "set-cookie" not in response.headers
    (event,) = await clicks(site, 1)
    assert event.consent is False
    assert event.person == Person()


async def test_head_answers_and_records_nothing(site: Site) -> None:
    head = await site.client.head("/mia")
    assert (head.status_code, head.headers["location"]) == (302, "https://shop.example/p?x=1#top")
    assert "set-cookie" not in head.headers
    await site.client.get("/mia")
    assert len(await clicks(site, 1)) == 1


async def test_unknown_is_404_and_switched_off_is_410(site: Site) -> None:
    brand = site.world.brand
    assert (await site.client.get("/nobody")).status_code == 404
    await site.world.publish(brand.link(revision=2, enabled=False))
    await _until_status(site, "/mia", 410)
    gone = await site.client.get("/mia")
    assert gone.headers["content-type"] == "application/problem+json"
    await site.world.publish(brand.link(revision=3))
    await _until_status(site, "/mia", 302)
    await site.world.publish(brand.link(revision=4, deleted_at=brand.clock.now()))
    await _until_status(site, "/mia", 410)


async def _until_status(site: Site, path: str, status: int) -> None:
    for _ in range(300):
        if (await site.client.get(path)).status_code == status:
            return
    raise AssertionError(f"{path} never answered {status}")


@pytest.mark.parametrize(
    ("headers", "flags"),
    [
        ({"User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1)"}, (Quality.BOT,)),
        ({"User-Agent": "WhatsApp/2.23.20"}, (Quality.PREVIEW,)),
        ({"User-Agent": "curl/8.5.0"}, ()),
        ({"User-Agent": "python-httpx/0.28"}, ()),
        ({"User-Agent": ""}, ()),
        ({"Sec-Purpose": "prefetch;prerender"}, (Quality.PREFETCH,)),
        ({"X-Moz": "prefetch"}, (Quality.PREFETCH,)),
    ],
)
async def test_quality_is_a_flag_and_no_visit_is_refused(
    site: Site, headers: dict[str, str], flags: tuple[Quality, ...]
) -> None:
    response = await site.client.get("/mia", headers=headers)
    assert response.status_code == 302
    (event,) = await clicks(site, 1)
    assert event.quality == flags


PATHS = [
    "/mia",
    "/MIA",
    "/%6Dia",
    "/mia/",
    "//mia",
    "/mia%00",
    "/mia%0d%0aX",
    "/mia?consent=0&x=%0d%0a",
    "/",
    "/v1",
    "/V1",
    "/health",
    "/health/live",
    "/metrics",
    "/docs",
    "/openapi.json",
    "/l.js",
    "/track",
    "/app",
    "/favicon.ico",
    "/.well-known",
    "/" + "a" * 64,
    "/" + "a" * 65,
    "/m%C3%ADa",
    "/mia;x",
    "/mia#f",
]


async def test_the_shortcut_and_the_application_agree(site: Site) -> None:
    async with running(site.tracking.app) as url, httpx.AsyncClient(base_url=url) as app:
        for path in PATHS:
            for method in ("GET", "HEAD", "POST", "DELETE"):
                by_shortcut = await site.client.request(method, path)
                by_app = await app.request(method, path)
                assert by_shortcut.status_code == by_app.status_code, (method, path)
                for name in ("location", "set-cookie", "cache-control", "content-type"):
                    assert _shape(by_shortcut, name) == _shape(by_app, name), (path, name)


def _shape(response: httpx.Response, name: str) -> str:
    value = response.headers.get(name, "")
    return re.sub(r"lclid=[A-Za-z0-9_-]{50}|lvid=[A-Za-z0-9_-]{22}", "…", value)


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"X-Forwarded-Host": "evil.example"},
        {"Forwarded": "host=evil.example"},
        {"X-Original-URL": "//evil.example"},
        {"Referer": "https://evil.example"},
    ],
)
async def test_nothing_the_visitor_sends_changes_the_host(
    site: Site, headers: dict[str, str]
) -> None:
    for query in ("?url=//evil.example", "?lclid=x&next=https://evil.example", "?s=%0d%0aX:1", ""):
        response = await site.client.get(f"/mia{query}", headers=headers)
        location = response.headers["location"]
        assert urlsplit(location).netloc == "shop.example"
        assert re.fullmatch(
            r"https://shop\.example/p\?x=1&lclid=[A-Za-z0-9_-]{50}#top", location
        ), location


async def test_a_link_on_its_own_host_is_found_there_only(world: World) -> None:
    brand = world.brand
    await world.publish(
        brand.link(
            "own", id=brand.connection_id, host="go.brand.example", destination="https://b.example/"
        )
    )
    async with world.serving() as site:
        await site.ready()
        own = await site.client.get("/own", headers={"Host": "Go.Brand.Example:443"})
        other = await site.client.get("/own")
        shared = await site.client.get("/mia", headers={"Host": "go.brand.example"})
    assert own.headers["location"].startswith("https://b.example/?lclid=")
    assert (other.status_code, shared.status_code) == (404, 404)


async def test_the_cookie_is_secure_behind_https(world: World) -> None:
    async with world.serving(environ={"LAUREL_SHORT_URL": "https://mia.example"}) as site:
        await site.ready()
        response = await site.client.get("/mia")
    assert "; Secure" in response.headers["set-cookie"]
