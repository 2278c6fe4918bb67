"""The corpora of user agents: people in apps' own browsers, and the previewers of the same apps."""

import json
from pathlib import Path
from typing import Final

import pytest

from services.tracking.store.user_agents import Agents
from shared.events import Quality
from tests.integration.tracking.world import Site

# Files of objects: the app, the agent, and where it was seen.
CORPORA: Final = Path(__file__).parent / "agents"


def corpus(name: str) -> list[tuple[str, str]]:
    items = json.loads((CORPORA / f"{name}.json").read_text())
    assert len({item["agent"] for item in items}) == len(items) >= 50
    assert all(item["source"] for item in items)
    return [(item["app"], item["agent"]) for item in items]


@pytest.fixture(scope="module")
def agents() -> Agents:
    return Agents()


def test_a_person_in_an_apps_own_browser_is_a_person(agents: Agents) -> None:
    assert [item for item in corpus("people") if agents.flags(item[1])] == []


def test_a_previewer_is_flagged_as_one(agents: Agents) -> None:
    others = [item for item in corpus("previewers") if agents.flags(item[1]) != (Quality.PREVIEW,)]
    assert others == []


def test_robots_in_the_agent_of_a_browser_are_robots(agents: Agents) -> None:
    """An agent with the name of a robot, or with a web address, is not a person's."""
    phone = "Mozilla/5.0 (Linux; Android 15; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/137"
    for sign in (
        "HeadlessChrome/137",
        "Googlebot/2.1",
        "(compatible; Sonic/1.0)",
        "Sonic/1.0 (https://sonic.example)",
        "Snap URL Preview Service",
    ):
        assert agents.flags(f"{phone} {sign}"), sign


async def test_the_click_of_a_person_in_an_app_has_no_flag(site: Site) -> None:
    (viber,) = [agent for app, agent in corpus("people") if app == "Viber, iPhone"]
    for agent in (viber, "WhatsApp/2.23.20.0"):
        assert (await site.client.get("/mia", headers={"user-agent": agent})).status_code == 302
    clicks = await site.events(2)
    assert sorted(click.quality for click in clicks) == [(), (Quality.PREVIEW,)]
