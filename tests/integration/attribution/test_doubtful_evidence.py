"""The attention list of doubtful evidence: mistyped codes, foreign clicks, wrong clocks."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from msgspec import structs

from services.attribution.store.attention.near_codes import (
    ALL_TOLD,
    NEAR_CODES,
    TOLD_BY_ORDER,
    found_near,
)
from services.attribution.store.attention_rows import Attention, attention, attention_of_order
from shared.db.engine import driver
from shared.events import Quality
from tests.factories import NOON
from tests.integration.attribution.attribution_pipeline import AttributionPipeline
from tests.integration.attribution.story import Story
from tests.integration.attribution.test_attention import items
from tests.integration.attribution.test_http import Service, serving

NEAR = ("MIA1O", "MIA1", "MIA100", "MAI10", "MIA 10", "MIA10?UTM=1", "SHOP.EXAMPLE/MIA10")
OTHER = ("MIA10", "mia10\ufe0f", "LEO10", "M", "MIA10MIA10", "MI01A")


@pytest.fixture
async def service(fresh_database: str, secret_key: str) -> AsyncIterator[Service]:
    async with serving(fresh_database, secret_key) as found:
        yield found


async def test_codes_that_nearly_match_are_listed_until_they_are_registered(
    service: Service,
) -> None:
    story = service.story
    await service.teach(*story.cast(), story.code("MIA10"))
    sent = [story.order(code, codes=(code,)) for code in (*NEAR, *OTHER)]
    await service.send(*sent, story.order("both", codes=("MIA1O", "mia10")))

    async def listed() -> bool:
        return bool((await items(service)).get("near_codes", {}).get("count") == len(NEAR) + 1)

    await service.until(listed)
    (found,) = (await items(service, kind="near_codes")).values()
    shown = {example["order_id"]: example["detail"] for example in found["examples"]}
    assert set(shown) == {*NEAR, "both"}
    assert shown["both"] == 'the code "MIA1O" may mean "MIA10"'
    assert {shown[code] for code in NEAR} == {
        f'the code "{code}" may mean "MIA10"' for code in NEAR
    }
    await service.teach(story.code("MIA1O"))

    async def one_less() -> bool:
        return bool((await items(service))["near_codes"]["count"] == len(NEAR) - 1)

    await service.until(one_less)


async def test_a_code_that_may_mean_several_names_the_first_and_the_last(
    pipeline: AttributionPipeline, story: Story
) -> None:
    await pipeline.learn(*story.cast(), *(story.code(f"LEO2{last}") for last in (1, 0, 5)))
    await pipeline.feed(
        story.order("1001", codes=("leo2",)), story.order("1002", codes=("leo 25",))
    )
    found = await near(pipeline, story, 10)
    assert {example.order_id: example.detail for example in found.examples} == {
        "1001": 'the code "LEO2" may mean one of several, from "LEO20" to "LEO25"',
        "1002": 'the code "LEO 25" may mean "LEO25"',
    }


async def test_more_codes_than_the_bound_are_not_compared(
    pipeline: AttributionPipeline, story: Story
) -> None:
    """Three codes of orders, then a long one that counts as four; nothing is said of one order."""
    await pipeline.learn(*story.cast(), story.code("MIA10"))
    await pipeline.feed(*(story.order(code, codes=(code,)) for code in NEAR[:3]))
    assert [(await near(pipeline, story, codes_max)).count for codes_max in (3, 2)] == [3, 1]
    unsaid = await near(pipeline, story, 2)
    assert "more than 2 codes of 10 characters" in unsaid.examples[0].detail
    await pipeline.feed(story.order("long", codes=("X" * 30,)))
    assert [(await near(pipeline, story, codes_max)).count for codes_max in (5, 4)] == [3, 1]
    # Three codes of the catalog are one too many, too.
    await pipeline.learn(story.code("LEO10"), story.code("TOM10"))
    keys = await pipeline.rows("SELECT own_key FROM attribution.conversions", story.workspace_id)
    own_keys = [row[0] for row in keys]
    few = replace(NEAR_CODES, found_of_order=found_near(TOLD_BY_ORDER, 2))
    async with pipeline.database.read([story.workspace_id]) as connection:
        conn = await driver(connection)
        assert await attention_of_order(conn, [few], own_keys) == []
        (found,) = await attention_of_order(conn, [NEAR_CODES], own_keys)
    assert found.count == 3


async def near(pipeline: AttributionPipeline, story: Story, codes_max: int) -> Attention:
    """Return what is near among at most so many codes."""
    kind = replace(NEAR_CODES, found=found_near(ALL_TOLD, codes_max))
    async with pipeline.database.read([story.workspace_id]) as connection:
        (found,) = await attention(await driver(connection), [kind])
    return found


async def test_foreign_click_ids_and_wrong_clocks_are_listed(service: Service) -> None:
    story = service.story
    foreign, clamped = (Quality.FOREIGN_CLICK_ID,), (Quality.CLAMPED,)
    await service.teach(*story.cast())
    await service.send(
        structs.replace(story.order("1001"), quality=foreign),
        structs.replace(story.click("k1", by="v1"), quality=foreign),
        structs.replace(story.order("1002"), quality=(*clamped, *foreign)),
        structs.replace(story.referred("MIA10", by="v1"), quality=clamped),
        story.order("clamped", codes=("foreign_click_id",)),
    )

    async def listed() -> bool:
        return len(await items(service)) == 2

    await service.until(listed)
    found = await items(service)
    assert {kind: item["count"] for kind, item in found.items()} == {
        "clamped_times": 2,
        "foreign_click_ids": 3,
    }
    named = {example["order_id"] for example in found["foreign_click_ids"]["examples"]}
    assert named == {"1001", "1002", None}
    first = found["clamped_times"]["examples"][0]
    assert first["detail"].endswith("counts at the time of its receipt")
    assert first["occurred_at"] >= NOON.isoformat()[:10]
