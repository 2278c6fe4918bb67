"""The pages of each service for people: the front page `/` and the API reference `/docs`.

The reference is opened in a real browser: it shows every operation, asks no other origin, breaks
no rule of its content-security policy, and makes a call with a key.
"""

from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from playwright.async_api import BrowserContext, Page

from tests.e2e.installation import ADMIN_KEY, SERVICES, Installation
from tests.fixtures.browser import chromium, open_browser

pytestmark = [pytest.mark.xdist_group("installation")]

METHODS: Final = ("get", "post", "put", "patch", "delete")
# A call of each service that needs a key and changes nothing; tracking has none that only reads.
CALLS: Final = {
    "tracking": ("/v1/events", "[]", 202),
    "attribution": ("/v1/lag", None, 200),
    "roi": ("/v1/workspace", None, 200),
}
REMEMBER_VIOLATIONS: Final = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => {
  window.violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
});
"""


@pytest.mark.parametrize("service", SERVICES)
def test_the_front_page_says_which_service_this_is(
    installation: Installation, service: str
) -> None:
    with httpx.Client(base_url=installation.url(service)) as client:
        answer = client.get("/")
        assert answer.status_code == 200
        told = answer.json()
        assert told["service"] == service
        assert told["does"] in client.get("/openapi.json").json()["info"]["description"]
        for place in ("reference", "openapi", "health", "metrics"):
            assert client.get(told[place]).status_code == 200, place
        page = client.get("/", headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
        assert page.headers["content-type"].startswith("text/html")
        assert told["does"] in page.text
        assert 'href="/docs"' in page.text
        assert page.headers["vary"] == "Accept"


@pytest.mark.browser
@pytest.mark.parametrize("service", SERVICES)
async def test_the_reference_can_be_read_and_used(
    installation: Installation, service: str, tmp_path: Path
) -> None:
    chromium()
    async with open_browser(tmp_path / "profile") as context:
        asked: list[str] = []
        spoken: list[str] = []
        page = await listening(context, asked, spoken)
        await page.goto(f"{installation.url(service)}/docs")
        await page.locator(".opblock").first.wait_for()
        document = await (
            await context.request.get(f"{installation.url(service)}/openapi.json")
        ).json()
        assert await page.locator(".opblock").count() == operation_count(document)
        await authorize(page)
        path, body, status = CALLS[service]
        assert await try_call(page, path, body) == str(status)
        assert await page.evaluate("window.violations") == []
        assert all(
            url.startswith((installation.url(service), "data:", "blob:")) for url in asked
        ), asked
        assert spoken == []


async def listening(context: BrowserContext, asked: list[str], spoken: list[str]) -> Page:
    """Open a page that records its policy violations, its requests and its console errors."""
    page = context.pages[0] if context.pages else await context.new_page()
    await page.add_init_script(REMEMBER_VIOLATIONS)
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: spoken.append(str(error)))
    page.on(
        "console",
        lambda message: spoken.append(message.text) if message.type == "error" else None,
    )
    return page


def operation_count(document: dict[str, Any]) -> int:
    return sum(method in METHODS for found in document["paths"].values() for method in found)


async def authorize(page: Page) -> None:
    """Type the key into the page, as a reader does."""
    await page.locator(".auth-wrapper .btn.authorize").click()
    await page.locator(".auth-container input").fill(ADMIN_KEY)
    await page.locator(".auth-btn-wrapper .authorize").click()
    await page.locator(".auth-btn-wrapper .btn-done").click()


async def try_call(page: Page, path: str, body: str | None) -> str:
    """Open an operation, send it, and return the status that the page shows."""
    block = page.locator(".opblock", has=page.locator(f'[data-path="{path}"]')).first
    await block.locator(".opblock-summary-control").click()
    if body is not None:
        await block.locator("textarea").first.fill(body)
    await block.locator(".btn.execute").click()
    answered = block.locator(".live-responses-table .response-col_status").last
    await answered.wait_for()
    return (await answered.inner_text()).split()[0]
