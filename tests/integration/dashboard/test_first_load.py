"""The first load of the overview with a hundred creators, in a real browser: its bytes."""

from pathlib import Path
from typing import Any, Final

import pytest

from tests.fixtures.browser import chromium
from tests.integration.dashboard.site import Visitor

pytestmark = [pytest.mark.xdist_group("installation"), pytest.mark.browser]

FIRST_LOAD_BYTES_MAX: Final = 60_000


async def test_the_first_load_is_small(crowd: Visitor, tmp_path: Path) -> None:
    """Headers and compressed bodies of all files of a browser that has none of them."""
    chromium()
    async with crowd.browser(tmp_path / "profile") as visit:
        session = await visit.page.context.new_cdp_session(visit.page)
        received: list[float] = []

        def note(event: dict[str, Any]) -> None:
            received.append(event["encodedDataLength"])

        session.on("Network.loadingFinished", note)
        await session.send("Network.enable")
        await visit.open("/app/overview")
        await visit.page.wait_for_load_state("networkidle")
        assert len(received) >= 3
        assert sum(received) <= FIRST_LOAD_BYTES_MAX
        assert await visit.troubles() == []


def test_the_others_are_one_row_and_everything_adds_up(crowd: Visitor) -> None:
    lines = crowd.csv("/app/overview.csv?panel=creators")
    assert "90 others" in [line["label"] for line in lines]
