"""The look of pages in a real browser: both schemes, a phone, keyboard, no script, the policy."""

import gzip
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, Literal

import pytest
from playwright.async_api import BrowserContext, Page

from tests.fixtures.accessibility import barriers
from tests.fixtures.browser import open_browser
from tests.integration.dashboard.gallery import STATIC, gallery, open_gallery

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

PHONE: Final = 320
WIDTHS: Final = (PHONE, 640, 1280)
FIRST_LOAD_BYTES_MAX: Final = 35_000
# Scripts count what the policy refuses before any other script runs.
COUNT_REFUSALS: Final = """
window.refused = [];
document.addEventListener("securitypolicyviolation", (e) => refused.push(e.violatedDirective));
"""
NAMES: Final = (
    "[...document.querySelectorAll('#creators-table tbody tr')].map(r => r.cells[0].innerText)"
)
WIDE: Final = "document.documentElement.scrollWidth - innerWidth"


@asynccontextmanager
async def shown(profile: Path, address: str) -> AsyncIterator[tuple[BrowserContext, Page]]:
    """Open the gallery; afterwards nothing was refused or said on the console."""
    said: list[str] = []
    async with open_browser(profile) as context:
        await context.grant_permissions(["clipboard-read", "clipboard-write"])
        page = context.pages[0]
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda problem: said.append(str(problem)))
        await page.add_init_script(COUNT_REFUSALS)
        await page.goto(f"{address}/app/")
        yield context, page
        assert await page.evaluate("refused") == []
        assert said == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_no_barrier_and_no_sideways_scroll(
    tmp_path: Path, scheme: Literal["light", "dark"]
) -> None:
    with open_gallery(lambda _: 1) as address:
        async with shown(tmp_path, address) as (_, page):
            await page.emulate_media(color_scheme=scheme)
            for width in WIDTHS:
                await page.set_viewport_size({"width": width, "height": 800})
                assert await page.evaluate(WIDE) <= 0, width
                assert await barriers(page) == [], width
            # 200 % zoom of a small laptop: half the pixels, and texts twice as large.
            await page.set_viewport_size({"width": PHONE * 2, "height": 400})
            await page.evaluate("document.documentElement.style.setProperty('font-size', '200%')")
            assert await page.evaluate(WIDE) <= 0


async def test_a_phone_opens_menu_and_period(tmp_path: Path) -> None:
    with open_gallery(lambda _: 1) as address:
        async with shown(tmp_path, address) as (_, page):
            await page.set_viewport_size({"width": PHONE, "height": 800})
            orders = page.get_by_role("link", name="Orders", exact=True)
            assert not await orders.is_visible()
            await page.get_by_role("button", name="Menu").press("Enter")
            assert await orders.is_visible()
            assert await barriers(page) == []
            await page.keyboard.press("Escape")
            await page.get_by_role("button", name="Period").click()
            assert await page.get_by_role("button", name="Apply").is_visible()
            assert await page.evaluate(WIDE) <= 0


async def test_the_keyboard_sorts_and_copies_a_table(tmp_path: Path) -> None:
    with open_gallery(lambda _: 1) as address:
        async with shown(tmp_path, address) as (_, page):
            heading = page.locator("#creators-table th", has_text="Net revenue 0")
            await heading.get_by_role("button").focus()
            await page.keyboard.press("Enter")
            assert await heading.get_attribute("aria-sort") == "descending"
            assert await page.evaluate(NAMES) == ["Zoë", "Ben", "Mia", "=Tom", "not allocated"]
            await page.keyboard.press("Enter")
            assert await heading.get_attribute("aria-sort") == "ascending"
            assert await page.evaluate(NAMES) == ["Mia", "Ben", "Zoë", "=Tom", "not allocated"]
            await (
                page.locator("#creators-table th", has_text="Creator")
                .get_by_role("button")
                .press("Space")
            )
            assert await page.evaluate(NAMES) == ["=Tom", "Ben", "Mia", "Zoë", "not allocated"]
            assert await page.locator("#creators-table [aria-sort]").count() == 1
            assert await barriers(page) == []

            await page.get_by_role("button", name="Copy Creators").press("Enter")
            await page.get_by_text("Copied").wait_for()
            copied = await page.evaluate("navigator.clipboard.readText()")
            lines = [line.split("\t") for line in copied.splitlines()]
            assert lines[0][:3] == ["Creator", "Since", "Net revenue 0"]
            assert lines[1][:3] == ["'=Tom", "1 Dec 2026", "–"], "no formula"
            assert lines[4][:3] == ["Zoë", "12 Nov 2026", "1200.50"], "exact values"
            assert lines[6][0] == "Total"


async def test_pointer_and_arrows_read_a_chart(tmp_path: Path) -> None:
    with open_gallery(lambda _: 1) as address:
        async with shown(tmp_path, address) as (_, page):
            await page.set_viewport_size({"width": PHONE, "height": 800})
            chart, readout = page.locator("chart-hover"), page.locator(".readout")
            await chart.focus()
            for key, expected in (
                ("ArrowRight", "1 Nov · This period · €11"),
                ("ArrowRight", "2 Nov · This period · €21"),
                ("ArrowDown", "2 Nov · Before · €22"),
                ("End", "3 Nov · Before · €32"),
                ("ArrowRight", "3 Nov · Before · €32"),
                ("ArrowLeft", "2 Nov · Before · €22"),
                ("Escape", ""),
                ("ArrowLeft", "3 Nov · This period · €31"),
            ):
                await page.keyboard.press(key)
                assert await readout.text_content() == expected, key
            assert await readout.get_attribute("aria-live") == "polite"
            assert await page.evaluate(WIDE) <= 0
            box = await chart.locator("circle").first.bounding_box()
            assert box is not None
            await page.mouse.move(box["x"] + 1, box["y"] + 1)
            assert await readout.text_content() == "1 Nov · This period · €11"
            assert await page.evaluate(WIDE) <= 0
            assert await barriers(page) == []


async def test_letters_choose_a_period_but_not_while_typing(tmp_path: Path) -> None:
    with open_gallery(lambda _: 1) as address:
        async with shown(tmp_path, address) as (_, page):
            await page.get_by_label("Note").press("a")
            await page.get_by_role("combobox", name="Model").press("a")
            assert page.url == f"{address}/app/"
            await page.locator("h1").click()
            await page.keyboard.press("a")
            await page.wait_for_url("**/app/?from=all")


async def test_pages_change_in_a_transition_that_nothing_cuts_off(tmp_path: Path) -> None:
    """A page that is drawn before its script runs makes the browser report an error."""
    tell = "e => { window.ended = e.viewTransition.finished.then(() => true); }"
    with open_gallery(lambda _: 1) as address:
        async with shown(tmp_path, address) as (context, page):
            await context.add_init_script(f"addEventListener('pagereveal', {tell})")
            for letter, where in ("a", "all"), ("m", "m"), ("a", "all"), ("m", "m"):
                await page.locator("h1").click()
                await page.keyboard.press(letter)
                await page.wait_for_url(f"**/app/?from={where}")
                assert await page.evaluate("ended")


async def test_the_period_form_sends_what_is_filled_in(tmp_path: Path) -> None:
    with open_gallery(lambda _: 1) as address:
        async with shown(tmp_path, address) as (_, page):
            await page.get_by_label("From").fill("2026-10-01")
            await page.get_by_role("combobox", name="Model").select_option("linear")
            await page.get_by_role("button", name="Apply").click()
            await page.wait_for_url(
                "**/app/?filter.platform=youtube&from=2026-10-01&to=2026-11-30&model=linear"
            )


async def test_a_region_is_refreshed_but_not_under_somebody(tmp_path: Path) -> None:
    asked: list[str] = []

    def count(path: str) -> int:
        asked.append(path)
        return asked.count("/app/")

    with open_gallery(count) as address:
        async with shown(tmp_path, address) as (_, page):
            region = page.locator("live-refresh")
            assert await region.inner_text() == "Clicks so far: 1"
            await page.get_by_text("Clicks so far: 2").wait_for()
            await region.select_text()
            before = asked.count("/app/")
            while asked.count("/app/") < before + 2:
                await page.wait_for_timeout(100)
            assert await region.inner_text() == "Clicks so far: 2"
            await page.evaluate("getSelection().empty()")
            await page.get_by_text(re.compile(r"Clicks so far: [3-9]")).wait_for()


async def test_a_notice_can_be_closed_and_waits_for_its_reader(tmp_path: Path) -> None:
    with open_gallery(lambda _: 1) as address:
        async with open_browser(tmp_path) as context:
            page = context.pages[0]
            await page.clock.install()
            for close in ("Escape", "Enter"):
                await page.goto(f"{address}/app/")
                await page.get_by_role("button", name="Close").focus()
                await page.clock.run_for(60_000)
                assert await page.locator("toast-undo").count() == 1, "the focus is in it"
                await page.keyboard.press(close)
                assert await page.locator("toast-undo").count() == 0
            await page.goto(f"{address}/app/")
            await page.clock.run_for(21_000)
            assert await page.locator("toast-undo").count() == 0


async def test_without_scripts_everything_is_there(tmp_path: Path) -> None:
    async with open_browser(tmp_path) as context:
        assert context.browser is not None
        scriptless = await context.browser.new_context(java_script_enabled=False)
        page = await scriptless.new_page()
        with open_gallery(lambda _: 1) as address:
            await page.goto(f"{address}/app/")
            assert await page.locator(".table-tools").count() == 0
            await page.set_viewport_size({"width": PHONE, "height": 800})
            await page.get_by_role("button", name="Menu").click()
            assert await page.get_by_role("link", name="Orders", exact=True).is_visible()
            await page.keyboard.press("Escape")
            assert await page.get_by_role("button", name="Undo").is_visible()
            assert await page.evaluate(NAMES) == ["Zoë", "=Tom", "Ben", "Mia", "not allocated"]
            await page.get_by_text("What the columns mean").first.click()
            assert await page.get_by_text("After refunds").first.is_visible()
            await page.get_by_text("Show the numbers").click()
            assert await page.locator("#trend-table").is_visible()
            assert await page.evaluate(WIDE) <= 0


async def test_paper_shows_the_period_and_no_controls(tmp_path: Path) -> None:
    with open_gallery(lambda _: 1) as address:
        async with shown(tmp_path, address) as (_, page):
            await page.emulate_media(media="print")
            assert await page.get_by_text("Period: 2026-11-01 to 2026-11-30 · last").is_visible()
            assert await page.locator("#creators-table").is_visible()
            for name in ("Apply", "Sign out", "Undo", "Copy Creators", "Book", "Menu"):
                assert not await page.get_by_role("button", name=name).is_visible(), name


def test_the_first_load_is_small() -> None:
    """The gallery has more parts than any page; files are compressed as the dashboard does it."""
    files = [path.read_bytes() for path in STATIC.iterdir() if path.suffix in (".css", ".js")]
    size = sum(len(gzip.compress(body)) for body in [gallery(1).encode(), *files])
    assert size <= FIRST_LOAD_BYTES_MAX, size


def test_a_page_has_nothing_inline() -> None:
    assert (
        re.findall(
            r"<style|\sstyle=|\son\w+=|<script(?! type=\"module\" blocking=\"render\" src=)",
            gallery(1),
        )
        == []
    )
