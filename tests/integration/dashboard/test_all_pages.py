"""Every page that is found by its links, in a real Chromium: no error, no barrier, no dead end.

The walk begins at the overview and opens each page once: of pages that differ only in an id, the
first one. So a new page is in it as soon as something links to it.
"""

import re
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import pytest

from tests.fixtures.accessibility import barriers
from tests.fixtures.browser import chromium
from tests.integration.dashboard.site import Visit, Visitor

pytestmark = [pytest.mark.xdist_group("installation"), pytest.mark.browser]

BRANDS: Final = ("demo", "empty", "crowd")
NARROW: Final = 320
PAGES_MAX: Final = 60
_ID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|(?<=/orders/)[^/]+")


def kind_of(address: str) -> str:
    """Return an address without ids and query: pages of one kind are looked at once."""
    return _ID.sub("*", urlsplit(address).path)


def addresses_on(text: str) -> Iterable[str]:
    """Yield the addresses of pages that a page links to."""
    for found in re.findall(r'<a [^>]*href="(/app/[^"#]*)', text):
        address = found.replace("&amp;", "&")
        if not re.search(r"\.csv|/static/", address):
            yield address


def walked(visitor: Visitor) -> list[str]:
    """Return one address of each kind of page, from the overview on."""
    waiting, seen = ["/app/overview"], {kind_of("/app/overview")}
    found: list[str] = []
    while waiting and len(found) < PAGES_MAX:
        address = waiting.pop(0)
        found.append(address)
        for linked in addresses_on(visitor.get(address)):
            if kind_of(linked) not in seen:
                seen.add(kind_of(linked))
                waiting.append(linked)
    return found


@pytest.mark.parametrize("brand", BRANDS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_no_page_has_an_error_or_a_barrier(
    request: pytest.FixtureRequest, brand: str, scheme: Any, tmp_path: Path
) -> None:
    chromium()
    visitor: Visitor = request.getfixturevalue(brand)
    found = walked(visitor)
    wrong: list[str] = []
    async with visitor.browser(tmp_path / "profile") as visit:
        await visit.page.emulate_media(color_scheme=scheme)
        async for address, trouble in troubles_of(visit, found):
            wrong.append(f"{address}: {trouble}")
    assert not wrong, "\n".join(wrong)


async def troubles_of(visit: Visit, addresses: list[str]) -> AsyncIterator[tuple[str, str]]:
    """Yield what is wrong with each page."""
    for address in addresses:
        visit.said.clear()
        visit.asked.clear()
        await visit.open(address)
        for trouble in await visit.troubles():
            yield address, trouble
        for barrier in await barriers(visit.page):
            yield address, str(barrier)


@pytest.mark.parametrize("brand", BRANDS)
async def test_no_page_scrolls_sideways_on_a_narrow_screen(
    request: pytest.FixtureRequest, brand: str, tmp_path: Path
) -> None:
    chromium()
    visitor: Visitor = request.getfixturevalue(brand)
    wide = []
    async with visitor.browser(tmp_path / "profile", width=NARROW) as visit:
        for address in walked(visitor):
            await visit.open(address)
            width: int = await visit.page.evaluate("document.documentElement.scrollWidth")
            if width > NARROW:
                wide.append(f"{address}: {width} px")
    assert not wide, "\n".join(wide)


def test_every_page_is_a_page_for_a_broken_address(demo: Visitor) -> None:
    for address in walked(demo):
        path = urlsplit(address).path
        text = demo.get(f"{path}?from=x&to=2026-99-99&model=best&nonsense=1&metric=net_revenue")
        assert "nonsense" in text, f"{path} does not name what it left out"


def test_a_reader_is_offered_no_write(reader: Visitor) -> None:
    offered = [
        f"{address}: {action}"
        for address in walked(reader)
        for action in re.findall(
            r'<form[^>]*method="post"[^>]*action="([^"]+)"', reader.get(address)
        )
        if action != "/app/sign-out"
    ]
    assert offered == []


def test_nobody_gets_in_without_a_session(demo: Visitor) -> None:
    for address in walked(demo):
        answer = httpx.get(demo.url + address, timeout=30)
        assert answer.status_code == 303, address
        assert answer.headers["location"].startswith("/app/sign-in?next=%2Fapp%2F")
