"""Survey answers over the log: before and after their order, proven, unproven, and in words."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from shared.events import AnyEvent
from shared.sealing import Sealer
from tests.factories import NOON
from tests.integration.attribution.attribution_pipeline import AttributionPipeline
from tests.integration.attribution.story import Story
from tests.integration.attribution.test_attention import items
from tests.integration.attribution.test_http import Service, serving
from tests.integration.attribution.test_late import last_account

DAY = timedelta(days=1)
TOKEN = "hash of the claim token"


@pytest.mark.parametrize("order", ["answer first", "order first"])
async def test_an_answer_earns_its_order_whichever_comes_first(
    pipeline: AttributionPipeline, story: Story, order: str
) -> None:
    await pipeline.learn(*story.cast())
    told: list[AnyEvent] = [story.surveyed("a", order="1001", of="mia", at=NOON + 2 * DAY)]
    bought: list[AnyEvent] = [story.order("1001", customer="c1", net=100, at=NOON)]
    for event in [*told, *bought] if order == "answer first" else [*bought, *told]:
        await pipeline.feed(event)
    assert await last_account(pipeline, story) == {story.ident("placement", "mia"): 100}
    await pipeline.feed(story.surveyed("b", order="1001", of="tom", at=NOON + 3 * DAY))
    assert await last_account(pipeline, story) == {story.ident("placement", "tom"): 100}
    await pipeline.feed(story.surveyed("c", order="1001", of="mia", at=NOON + 9 * DAY))
    assert await last_account(pipeline, story) == {story.ident("placement", "tom"): 100}


@pytest.mark.parametrize("order", ["answer first", "order first"])
async def test_an_answer_of_a_page_counts_with_the_token_of_its_order(
    pipeline: AttributionPipeline, story: Story, order: str
) -> None:
    await pipeline.learn(*story.cast())
    told: list[AnyEvent] = [
        story.surveyed("a", order="1001", of="mia", source="public", token=TOKEN),
        story.surveyed("b", order="1001", of="tom", source="public", token="hash of another token"),
        story.surveyed("c", order="1001", of="tom", source="public"),
    ]
    bought: list[AnyEvent] = [story.order("1001", customer="c1", net=100, at=NOON, token=TOKEN)]
    for event in [*told, *bought] if order == "answer first" else [*bought, *told]:
        await pipeline.feed(event)
    assert await last_account(pipeline, story) == {story.ident("placement", "mia"): 100}


async def test_a_placement_that_becomes_known_later_earns_the_answer(
    pipeline: AttributionPipeline, story: Story
) -> None:
    await pipeline.feed(story.order("1001", customer="c1", net=100, at=NOON))
    await pipeline.feed(story.surveyed("a", order="1001", of="mia"))
    assert await last_account(pipeline, story) == {"organic": 100}
    await pipeline.learn(*story.cast())
    assert await last_account(pipeline, story) == {story.ident("placement", "mia"): 100}


@pytest.fixture
async def service(fresh_database: str, secret_key: str) -> AsyncIterator[Service]:
    async with serving(fresh_database, secret_key) as found:
        yield found


async def test_answers_that_change_no_figure_are_listed(service: Service, secret_key: str) -> None:
    story = service.story
    sealed = Sealer(secret_key).text_sealer().seal(story.workspace_id, "a friend of mine")
    await service.send(
        story.order("1001", token=TOKEN),
        story.surveyed("words", order="1001", sealed=sealed),
        story.surveyed("unknown", order="9", of="mia"),
        story.surveyed(
            "guessed", order="1001", of="mia", source="public", token="hash of another token"
        ),
        story.surveyed("proven", order="1001", of="mia", source="public", token=TOKEN),
    )

    async def listed() -> bool:
        return len(await items(service)) == 2

    await service.until(listed)
    found = await items(service)
    assert {kind: item["count"] for kind, item in found.items()} == {
        "surveys_without_order": 2,
        "unmatched_surveys": 1,
    }
    (example,) = found["unmatched_surveys"]["examples"]
    assert (example["detail"], example["order_id"]) == ("a friend of mine", "1001")
    unknown = {item["order_id"] for item in found["surveys_without_order"]["examples"]}
    assert unknown == {"9", "1001"}
