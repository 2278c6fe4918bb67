"""A signed-in visitor of the dashboard: over HTTP, and in a real browser.

Promise: a browser page notes each error of the console, each request to another origin and each
violation of the content policy; `Visit.troubles` lists them.
"""

import csv
import html
import io
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urljoin

import httpx
from playwright.async_api import BrowserContext, Page

from services.dashboard.session.sessions import COOKIE
from tests.e2e.installation import Brand
from tests.fixtures.browser import open_browser

_CSRF: Final = re.compile(r'name="csrf" value="([^"]+)"')
_TIMEOUT_SECONDS: Final = 60
REMEMBER_VIOLATIONS: Final = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => {
  window.violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
});
"""


@dataclass
class Visitor:
    """Somebody with a key of one workspace."""

    url: str
    key: str
    client: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.client = httpx.Client(base_url=self.url, timeout=_TIMEOUT_SECONDS)
        answer = self.client.post("/app/sign-in", data={"key": self.key})
        assert answer.status_code == 303, answer.text

    def __enter__(self) -> "Visitor":
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    def get(self, address: str, status: int = 200) -> str:
        """Return the HTML (or CSV) of an address that answers with `status`."""
        answer = self.client.get(address)
        assert answer.status_code == status, f"{address}: {answer.status_code} {answer.text[:500]}"
        return answer.text

    def csv(self, address: str) -> list[dict[str, str]]:
        """Return the lines of a file by the titles of its columns."""
        return list(csv.DictReader(io.StringIO(self.get(address))))

    def send(self, address: str, page: str, **fields: Any) -> httpx.Response:
        """Send the form of a page: its token and `fields`; return the answer, not followed."""
        found = _CSRF.search(self.get(page))
        assert found is not None, f"{page} has no form"
        return self.client.post(address, data={"csrf": found[1], **fields})

    @asynccontextmanager
    async def browser(self, profile: Path, **options: Any) -> AsyncIterator["Visit"]:
        """Open a browser that is signed in."""
        async with open_browser(profile) as context:
            await context.add_cookies(
                [
                    {
                        "name": COOKIE,
                        "value": self.client.cookies[COOKIE],
                        "url": f"{self.url}/app/",
                        "httpOnly": True,
                    }
                ]
            )
            yield await Visit.begin(context, self.url, **options)


@dataclass
class Visit:
    """One window of a browser."""

    page: Page
    url: str
    said: list[str]
    asked: list[str]

    @classmethod
    async def begin(
        cls, context: BrowserContext, url: str, *, width: int = 1280, height: int = 900
    ) -> "Visit":
        page = context.pages[0] if context.pages else await context.new_page()
        await page.set_viewport_size({"width": width, "height": height})
        await page.add_init_script(REMEMBER_VIOLATIONS)
        visit = cls(page, url, [], [])
        page.on("console", lambda message: visit.said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: visit.said.append(str(error)))
        page.on("request", lambda request: visit.asked.append(request.url))
        return visit

    async def open(self, address: str) -> None:
        """Open an address of the dashboard."""
        await self.page.goto(urljoin(self.url, address))

    async def troubles(self) -> list[str]:
        """Return what went wrong since the browser opened, as far as this page knows."""
        away = [one for one in self.asked if not one.startswith((self.url, "data:"))]
        violations: list[str] = await self.page.evaluate("window.violations")
        return [*self.said, *away, *violations]


def items(brand: Brand, what: str) -> list[dict[str, Any]]:
    """Return the objects of a kind that the API lists."""
    found = brand.roi.get(f"/v1/{what}", params={"limit": 200}).json()["items"]
    assert isinstance(found, list)
    return found


def field_error(text: str, field: str) -> str | None:
    """Return the message at a field of a form, or None."""
    found = re.search(rf'id="field-{re.escape(field)}-error">([^<]*)<', text)
    return None if found is None else html.unescape(found[1])
