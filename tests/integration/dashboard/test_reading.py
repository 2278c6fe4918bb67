"""Reading in a real browser: without scripts, by keyboard, with Back and a copied address.

The same figures are there however a page is reached; nothing needs a script or a pointer.
"""

import re
from pathlib import Path
from typing import Final

import pytest
from playwright.async_api import BrowserContext, Page

from services.dashboard.session.sessions import COOKIE
from tests.fixtures.browser import chromium, open_browser
from tests.integration.dashboard.site import Visitor
from tests.integration.dashboard.test_all_pages import walked

pytestmark = [pytest.mark.xdist_group("installation"), pytest.mark.browser]

NUMBERS: Final = (
    "[...document.querySelectorAll('.number, td.number')].map(n => n.textContent.trim())"
)
TABS_MAX: Final = 120


async def sign_in(page: Page, visitor: Visitor) -> None:
    """Sign in by the form."""
    await page.goto(f"{visitor.url}/app/sign-in")
    await page.get_by_label("API key").fill(visitor.key)
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_role("heading", name="Overview", level=1).wait_for()


async def test_without_scripts_one_reads_filters_drills_and_exports(
    demo: Visitor, tmp_path: Path
) -> None:
    chromium()
    async with open_browser(tmp_path / "profile") as context:
        assert context.browser is not None
        without = await context.browser.new_context(java_script_enabled=False)
        page = await without.new_page()
        await sign_in(page, demo)
        await page.get_by_label("From").fill("2026-11-10")
        await page.locator("select[name=model]").select_option("linear")
        await page.get_by_role("button", name="Apply").click()
        assert re.search(r"from=2026-11-10.*model=linear", page.url)
        await page.locator("a.why").first.click()
        assert "/app/why?" in page.url
        assert "model=linear" in page.url
        await page.get_by_role("table").first.wait_for()
        async with page.expect_download() as downloading:
            await page.get_by_role("link", name="CSV of").first.click()
        file = await (await downloading.value).path()
        assert file.read_text().startswith("line,")
        await without.close()


async def test_back_reload_and_a_copied_address_show_the_same_figures(
    demo: Visitor, tmp_path: Path
) -> None:
    chromium()
    address = f"{demo.url}/app/overview?from=2026-11-05&model=first&filter.platform=instagram"
    async with open_browser(tmp_path / "profile") as context:
        page = context.pages[0]
        await sign_in(page, demo)
        await page.goto(address)
        shown = await page.evaluate(NUMBERS)
        assert len(shown) > 10
        await page.reload()
        assert await page.evaluate(NUMBERS) == shown
        await page.locator("a.why").first.click()
        await page.wait_for_url("**/app/why?**")
        await page.go_back()
        assert page.url == address
        assert await page.evaluate(NUMBERS) == shown
        assert await copied(context, address, demo) == shown


async def copied(context: BrowserContext, address: str, visitor: Visitor) -> list[str]:
    """Return the figures of an address in a browser that has only the session."""
    assert context.browser is not None
    fresh = await context.browser.new_context()
    cookie = visitor.client.cookies[COOKIE]
    await fresh.add_cookies([{"name": COOKIE, "value": cookie, "url": f"{visitor.url}/app/"}])
    page = await fresh.new_page()
    await page.goto(address)
    found: list[str] = await page.evaluate(NUMBERS)
    await fresh.close()
    return found


async def test_by_keyboard_a_figure_is_reached_and_opened(demo: Visitor, tmp_path: Path) -> None:
    chromium()
    async with demo.browser(tmp_path / "profile") as visit:
        await visit.open("/app/overview")
        for _ in range(TABS_MAX):
            await visit.page.keyboard.press("Tab")
            if await visit.page.evaluate("document.activeElement.classList.contains('why')"):
                break
        outline: str = await visit.page.evaluate(
            "getComputedStyle(document.activeElement).outlineStyle"
        )
        assert outline != "none", "the focus is seen"
        await visit.page.keyboard.press("Enter")
        await visit.page.wait_for_url("**/app/why?**")


def test_a_session_of_another_brand_sees_nothing(demo: Visitor, empty: Visitor) -> None:
    names = {line["label"] for line in demo.csv("/app/overview.csv?panel=creators")}
    names -= {"brand", "overhead", "unallocated", "Program", "All together", "Organic: no creator"}
    assert len(names) >= 5
    for address in walked(demo):
        text = empty.client.get(address).text
        assert not [name for name in names if name in text], address
