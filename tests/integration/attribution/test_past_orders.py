"""Past orders in the database: late ones decide again, and each is booked as evidence."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import permutations
from random import Random

import pytest

from shared.credits import DecisionCredited
from shared.events import AnyEvent
from shared.ids import new_id
from tests.factories import NOON
from tests.integration.attribution import oracle
from tests.integration.attribution.attribution_pipeline import AttributionPipeline
from tests.integration.attribution.story import Story
from tests.integration.attribution.test_attention import items
from tests.integration.attribution.test_event_accounts import accounts
from tests.integration.attribution.test_http import serving

LONG_AGO = NOON - timedelta(days=400)
NETS = "SELECT natural_id, net_minor, status FROM attribution.conversions ORDER BY 1"


async def new_customers(
    pipeline: AttributionPipeline, story: Story
) -> dict[str, tuple[bool | None, set[str]]]:
    """Return of each published order whether its customer is new, and the stages of its entries."""
    found: dict[str, tuple[bool | None, set[str]]] = {}
    for record in await pipeline.credits():
        if isinstance(record, DecisionCredited) and record.workspace_id == story.workspace_id:
            stages = {str(entry.stage) for entry in record.entries if entry.reverses is None}
            found[record.natural_id] = (record.new_customer, stages)
    return found


async def test_a_past_order_that_comes_late_makes_the_customer_an_old_one(
    pipeline: AttributionPipeline, story: Story
) -> None:
    await pipeline.learn(*story.cast())
    await pipeline.feed(story.order("1", customer="c1", net=100))
    assert await new_customers(pipeline, story) == {"1": (True, {"purchase"})}
    past = story.order("p", customer="c1", at=LONG_AGO, source="secret", history=True)
    await pipeline.feed(past)
    assert await new_customers(pipeline, story) == {"1": (False, {"retention"})}
    assert await pipeline.rows(NETS, story.workspace_id) == [
        ("1", 100, "organic"),
        ("p", 0, "history"),
    ]


async def test_every_arrival_of_a_history_and_its_order_gives_the_same_ledger(
    pipeline: AttributionPipeline,
) -> None:
    """The order that a shop tells itself counts, and the customer is that of its history."""
    for number in range(6):
        story = Story(new_id())
        records = story.cast()
        click = story.click("k1", by="v1", at=LONG_AGO - timedelta(days=1))
        events: list[AnyEvent] = [
            click,
            story.order("p", customer="c1", at=LONG_AGO, source="secret", history=True),
            story.order("p", click=click, at=LONG_AGO, net=700),
            story.order("1", customer="c1", net=100),
        ]
        await pipeline.learn(*records)
        for event in list(permutations(events))[number * 4 + number % 4]:
            await pipeline.feed(event)
        found = await pipeline.net_ledger(story.workspace_id)
        assert found == oracle.net_ledger(story.workspace_id, events, records)
        mia = story.ident("placement", "mia")
        last = {(name, a): n for (name, model, a, _), n in found.items() if model == "last"}
        assert last == {("p", mia): 700, ("1", "organic"): 100}
        assert (await new_customers(pipeline, story))["1"][0] is False


@pytest.mark.parametrize("seed", range(4))
async def test_many_past_orders_give_the_decisions_of_the_oracle(
    pipeline: AttributionPipeline, story: Story, seed: int
) -> None:
    random = Random(seed)
    records = story.cast()
    events = a_story(story, random)
    random.shuffle(events)
    await pipeline.learn(*records)
    while events_left := events[: random.randrange(1, 6)]:
        await pipeline.feed(*events_left)
        del events[: len(events_left)]
    told = a_story(story, Random(seed))
    expected = oracle.decisions(story.workspace_id, told, records)
    stored = await pipeline.rows(NETS, story.workspace_id)
    assert stored == sorted(
        (key.natural_id, found.net_minor, found.status.value) for key, found in expected.items()
    )
    assert "history" in {status for _, _, status in stored}


def a_story(story: Story, random: Random) -> list[AnyEvent]:
    """Return live and past orders of three customers, many of them with one id."""
    return [
        story.order(
            f"{random.randrange(12)}",
            customer=random.choice(("c1", "c2", "c3")),
            net=random.randrange(1, 900),
            at=NOON - timedelta(days=random.randrange(500)),
            source="secret" if is_past else random.choice(("secret", "webhook", "public")),
            version=number,
            history=is_past,
        )
        for number, is_past in enumerate([True, True, False] * 8)
    ]


async def test_past_orders_and_what_belongs_to_them_are_booked(place: tuple[str, str]) -> None:
    async with serving(*place) as service:
        story = service.story
        await service.teach(*story.cast())
        past = story.order("p", customer="c1", at=LONG_AGO, source="secret", history=True)
        await service.send(past, story.order("1", customer="c1", net=300))
        assert await accounts(service, 2) == (2, 2, 0, 0, 0)
        # The same file again, and a refund of a past order.
        await service.send(past, story.adjusted(of="p", amount=100, currency="USD"))
        assert await accounts(service, 4) == (4, 3, 1, 0, 0)
        assert await items(service) == {}
        # A claim of it without a proof.
        await service.send(story.order("p", visitor="v2", source="public", source_id="page"))
        assert await accounts(service, 5) == (5, 3, 1, 1, 0)
        assert set(await items(service)) == {"claims_without_proof"}
        found = await service.explained("p")
        assert (found["status"], found["ledger"]) == ("history", [])
        assert _evidence(found["revisions"]) == []
        # The shop tells the order itself.
        await service.send(story.order("p", net=4990, at=LONG_AGO, currency="USD"))
        assert await accounts(service, 6) == (6, 3, 2, 1, 0)
        found = await service.explained("p", revisions=2)
        assert (found["status"], found["net"]["amount_minor"]) == ("organic", 4890)
        assert set(await items(service)) == {"claims_without_proof"}


def _evidence(revisions: Sequence[dict[str, list[object]]]) -> list[object]:
    return [item for one in revisions for item in (*one["candidates"], *one["credits"])]
