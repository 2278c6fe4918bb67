"""Persons are bounded: stars, chains and many orders dissolve, in every order of arrival."""

from collections.abc import Sequence
from datetime import timedelta
from random import Random
from time import perf_counter

import pytest

from services.attribution.domain.components import CONVERSIONS_MAX, KEYS_MAX
from services.attribution.domain.ties import TIES_MAX
from services.attribution.store.attention import KINDS
from shared.events import AnyEvent, Person
from shared.ids import new_id
from tests.factories import NOON
from tests.integration.attribution import oracle
from tests.integration.attribution.attribution_pipeline import AttributionPipeline
from tests.integration.attribution.story import Story

HOUR = timedelta(hours=1)
DISSOLVED = """
SELECT count(*) FROM attribution.aliases WHERE component_id = '!' AND key >= 'o' AND key < 'p'
"""


async def tell(
    pipeline: AttributionPipeline, events: Sequence[AnyEvent], size: int, seed: int | None
) -> None:
    """Handle the events in batches, in a random order by the seed, and all that is queued."""
    told = list(events)
    if seed is not None:
        Random(seed).shuffle(told)
    for start in range(0, len(told), size):
        await pipeline.feed(*told[start : start + size])
        await pipeline.worker.drain()


async def check(pipeline: AttributionPipeline, story: Story, events: Sequence[AnyEvent]) -> None:
    expected = oracle.net_ledger(story.workspace_id, events, story.cast())
    assert await pipeline.net_ledger(story.workspace_id) == expected


def chain(story: Story, length: int) -> list[AnyEvent]:
    """Visitors of whom each logs in as two customers, each customer on two visitors."""
    return [
        story.identified(f"{n}", Person(visitor_id=f"v{n // 2}", customer_id=f"c{(n + 1) // 2}"))
        for n in range(length)
    ]


@pytest.mark.parametrize("seed", [None, 1, 2])
@pytest.mark.parametrize("length", [KEYS_MAX - 2, KEYS_MAX - 1, KEYS_MAX + 100])
async def test_a_long_chain_is_dissolved(
    pipeline: AttributionPipeline, story: Story, length: int, seed: int | None
) -> None:
    await pipeline.learn(*story.cast())
    events: list[AnyEvent] = [
        *chain(story, length),
        story.click("k0", by="v0"),
        story.click("k1", of="tom", by="v50", at=NOON + HOUR / 2),
        story.order("carries", visitor="v50", customer="c7", net=100),
        story.order("customer", customer="c0", net=200),
        story.order("click", click=story.click("k0", by="v0"), net=300),
        story.adjusted("r", of="customer", amount=50),
    ]
    await tell(pipeline, events, 17, seed)
    await check(pipeline, story, events)
    is_over = length + 2 > KEYS_MAX  # the click of an order is a key, too
    rows = await pipeline.rows(DISSOLVED, story.workspace_id)
    assert rows == [(3 if is_over else 0,)]
    # What comes later is decided again, too, and joins nothing.
    more: list[AnyEvent] = [
        story.click("k2", by="v50", at=NOON + HOUR * 3 / 4),
        story.order("later", visitor="v0", customer="c7", net=400),
        story.identified("more", Person(visitor_id="v0", customer_id="new")),
        story.order("new", customer="new", net=500),
    ]
    for event in more:
        await tell(pipeline, [event], 1, None)
        events.append(event)
        await check(pipeline, story, events)


@pytest.mark.parametrize("seed", [None, 3])
async def test_a_customer_of_many_orders_is_dissolved(
    pipeline: AttributionPipeline, story: Story, seed: int | None
) -> None:
    await pipeline.learn(*story.cast())
    clicked = story.click("k1", by="v1")
    events: list[AnyEvent] = [clicked, story.order("first", visitor="v1", customer="c1", net=7)]
    events += [
        story.order(f"{n}", customer="c1", net=n, at=NOON + n * HOUR)
        for n in range(1, CONVERSIONS_MAX)
    ]
    await tell(pipeline, events, 100, seed)
    await check(pipeline, story, events)
    assert await pipeline.rows(DISSOLVED, story.workspace_id) == [(0,)]
    last = story.order("last", customer="c1", net=9, at=NOON + 2 * HOUR)
    await tell(pipeline, [last], 1, None)
    await check(pipeline, story, [*events, last])
    rows = await pipeline.rows(DISSOLVED, story.workspace_id)
    assert rows == [(CONVERSIONS_MAX + 1,)]
    listed = await pipeline.rows(KINDS["components_dissolved"].found, story.workspace_id)
    assert len(listed) == CONVERSIONS_MAX + 1


@pytest.mark.parametrize("seed", range(4))
async def test_a_hub_parts_what_it_joined_before(
    pipeline: AttributionPipeline, story: Story, seed: int
) -> None:
    """Whether a component is beyond its bounds does not depend on when its hub became one."""
    await pipeline.learn(*story.cast())
    first: list[AnyEvent] = []
    for n in range(60):
        clicked = story.click(f"k{n}", by=f"v{n}")
        first += [
            clicked,
            story.order(f"{n}", customer="guest", email=f"e{n}", click=clicked, net=100 + n),
        ]
    second: list[AnyEvent] = [
        story.order(f"again{n}/{m}", email=f"e{n}", visitor=f"w{n}/{m}", net=1 + n)
        for n in range(60)
        for m in range(2)
    ]
    await tell(pipeline, first, 7, seed)
    await tell(pipeline, second, 7, seed)
    await check(pipeline, story, [*first, *second])
    assert await pipeline.rows(DISSOLVED, story.workspace_id) == [(0,)]
    ((_, order, event_id, _, detail),) = await pipeline.rows(
        KINDS["hubs"].found, story.workspace_id
    )
    assert (order, detail) == (None, "a customer id of many people")
    assert str(event_id) in {event.event_id for event in first}


async def test_ties_that_are_cut_are_listed_once(
    pipeline: AttributionPipeline, story: Story
) -> None:
    """A public key sends one visitor id for many clicks; one more tie than may count cuts them."""
    cut = KINDS["ties_cut"].found
    clicks = [story.click(f"k{n}", by=f"v{n}") for n in range(TIES_MAX + 3)]
    told = [story.visited("everybody", clicked) for clicked in clicks]
    await tell(pipeline, [*clicks, *told[:TIES_MAX]], 20, None)
    assert await pipeline.rows(cut, story.workspace_id) == []
    await pipeline.feed(told[TIES_MAX])
    ((_, _, event_id, _, detail),) = rows = await pipeline.rows(cut, story.workspace_id)
    assert (str(event_id), detail) == (
        told[TIES_MAX].event_id,
        "a visitor id with too many ties",
    )
    await tell(pipeline, told[TIES_MAX:], 1, None)
    assert await pipeline.rows(cut, story.workspace_id) == rows
    assert await pipeline.rows(KINDS["hubs"].found, story.workspace_id) == []


@pytest.mark.parametrize("seed", range(4))
async def test_dissolved_components_and_strangers_in_any_order(
    pipeline: AttributionPipeline, seed: int
) -> None:
    story, random = Story(new_id()), Random(seed)
    await pipeline.learn(*story.cast())
    clicks = [
        story.click(f"k{n}", of=random.choice(("mia", "tom")), by=f"v{random.randrange(120)}")
        for n in range(60)
    ]
    events: list[AnyEvent] = [*chain(story, 230), *clicks]
    for n, clicked in enumerate(clicks):
        token = f"the token of order {n}"
        events.append(story.visited(f"p{n % 20}", clicked))
        events.append(
            story.order(
                f"{n}",
                customer=random.choice((None, f"c{random.randrange(120)}")),
                visitor=random.choice((None, f"p{n % 20}", f"v{random.randrange(120)}")),
                token=token,
                net=100 + n,
            )
        )
        claim = token if random.random() < 0.5 else token + "?"
        events.append(story.order(f"{n}", click=clicked, token=claim, source="public", net=1))
    await tell(pipeline, events, random.choice((5, 40, 300)), seed)
    await check(pipeline, story, events)


async def test_a_long_chain_holds_up_nothing(pipeline: AttributionPipeline, story: Story) -> None:
    """A chain of thousands of ties: a later event costs about as much as one of another person."""
    await pipeline.learn(*story.cast())
    await tell(pipeline, [*chain(story, 6_000), story.order(customer="c0")], 2_000, None)

    async def seconds_of(kind: str, persons: Sequence[Person]) -> float:
        started = perf_counter()
        for n, person in enumerate(persons):
            await pipeline.feed(story.identified(f"{kind}{n}", person))
        return perf_counter() - started

    apart = [Person(visitor_id=f"other{n}", customer_id=f"other{n}") for n in range(20)]
    chained = [Person(visitor_id=f"v{n}", customer_id=f"c{n + 700}") for n in range(20)]
    ordinary_seconds = await seconds_of("apart", apart)
    # Without a bound, each event reads the whole chain and costs a hundred times as much.
    assert await seconds_of("chained", chained) < 10 * ordinary_seconds
