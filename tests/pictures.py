"""Take a picture of each page of a running dashboard, light and dark, into `docs/pictures/`.

`LAUREL_ADMIN_KEY=lrl_sec_… python -m tests.pictures [URL]`, by default of `http://127.0.0.1:8000`.
The key is best one of the workspace `demo` (`laurel demo`, then `laurel keys create`). Pages are
found by their links, as the tests find them.
What can go wrong: exit status 1 when Chromium is missing or a page does not answer.
"""

import asyncio
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from tests.integration.dashboard.site import Visitor
from tests.integration.dashboard.test_all_pages import kind_of, walked

HOME: Final = Path(__file__).resolve().parents[1] / "docs" / "pictures"
URL: Final = "http://127.0.0.1:8000"
SCHEMES: Final = ("light", "dark")
WIDTH: Final = 1_000
HEIGHT_MAX: Final = 1_300
# JPEG keeps a page of tables below 100 kB and its digits readable.
QUALITY: Final = 40


async def take(visitor: Visitor) -> None:
    """Take all pictures."""
    HOME.mkdir(exist_ok=True)
    for old in HOME.glob("*.jpg"):
        old.unlink()
    with tempfile.TemporaryDirectory() as profile:
        async with visitor.browser(Path(profile), width=WIDTH) as visit:
            for address in walked(visitor):
                await visit.open(address)
                for scheme in SCHEMES:
                    await _picture(visit.page, address, scheme)
                sys.stdout.write(f"{address}\n")


async def _picture(page: Any, address: str, scheme: str) -> None:
    await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    height = await page.evaluate("document.documentElement.scrollHeight")
    name = re.sub(r"[^a-z]+", "-", kind_of(address).removeprefix("/app/").replace("*", "one"))
    await page.screenshot(
        path=HOME / f"{name.strip('-')}-{scheme}.jpg",
        type="jpeg",
        quality=QUALITY,
        full_page=True,
        clip={"x": 0, "y": 0, "width": WIDTH, "height": min(height, HEIGHT_MAX)},
    )


def main() -> None:
    """Read the address and the key, and take the pictures."""
    key = os.environ.get("LAUREL_ADMIN_KEY", "")
    if not key:
        sys.exit("set LAUREL_ADMIN_KEY to a key of the workspace to show")
    asyncio.run(take(Visitor(sys.argv[1] if len(sys.argv) > 1 else URL, key)))


if __name__ == "__main__":
    main()
