"""What anybody with a page's public key can send moves no money: attacks on the real pipeline."""

from collections.abc import Sequence
from datetime import timedelta
from random import Random

import pytest
from msgspec import structs

from services.attribution.store.attention import KINDS
from shared.events import AnyEvent, Person
from tests.factories import NOON
from tests.integration.attribution import oracle
from tests.integration.attribution.attribution_pipeline import AttributionPipeline
from tests.integration.attribution.story import Story

HOUR = timedelta(hours=1)
TOKEN = "0123456789abcdef of the cart"


async def accounts(
    pipeline: AttributionPipeline, story: Story, events: Sequence[AnyEvent], name: str = "1001"
) -> dict[str, int]:
    """Return account → minor units of an order by the model `last`; the oracle agrees."""
    found = await pipeline.net_ledger(story.workspace_id)
    assert found == oracle.net_ledger(story.workspace_id, events, story.cast())
    return {
        account: amount
        for (order, model, account, _), amount in found.items()
        if (order, model) == (name, "last")
    }


def own_browser(story: Story) -> list[AnyEvent]:
    """A stranger's own click for another creator, tied to the stranger's visitor id."""
    clicked = story.click("stranger's", of="tom", at=NOON + HOUR / 2)
    return [clicked, story.visited("stranger", clicked)]


def attacks(story: Story) -> dict[str, list[AnyEvent]]:
    """Return the proven attacks on order 1001 of customer ann, by name."""
    clicked = story.click("stranger's", of="tom", at=NOON + HOUR / 2)
    late = story.click("stranger's late", of="tom", at=NOON + 2 * HOUR)
    ann = Person(visitor_id="stranger", customer_id="ann", email_hash="ann@")
    by_key = Person(customer_id="ann", email_hash="ann@")
    eve = Person(visitor_id="stranger", customer_id="eve", is_proven=True)
    return {
        "a guessed order number and a click id": [
            clicked,
            story.order(click=clicked, visitor="stranger", net=1, source="public"),
        ],
        "a guessed order number and a click made later": [
            late,
            story.order(click=late, net=1, source="public"),
        ],
        "a guessed token": [
            clicked,
            story.order(click=clicked, net=1, source="public", token=TOKEN + "?"),
        ],
        "a back-dated click of a customer": [
            story.click(None, of="tom", at=NOON + HOUR / 2, source="public", person=by_key),
            story.click("k9", of="tom", at=NOON + HOUR / 2, source="public", person=ann),
        ],
        "an identity of the customer": [
            *own_browser(story),
            story.identified("mine", ann, source="public"),
        ],
        "51 junk identities of the customer": [
            story.identified(f"junk{n}", Person(None, None, "ann", f"junk{n}"), source="public")
            for n in range(51)
        ],
        "a junk customer of the visitor": [
            story.identified("junk", Person("phone", None, "junk"), source="public")
        ],
        "a junk order of the visitor": [
            story.order("junk", visitor="phone", customer="junk", source="public", net=1)
        ],
        "a claim by another customer with a proof": [
            *own_browser(story),
            story.identified("eve", eve, source="public"),
            structs.replace(story.order(net=1, source="public"), person=eve),
        ],
    }


@pytest.mark.parametrize("moment", ["before", "after", "together"])
@pytest.mark.parametrize("name", list(attacks(Story("00000000-0000-7000-8000-000000000001"))))
async def test_an_attack_moves_no_credit(
    pipeline: AttributionPipeline, story: Story, name: str, moment: str
) -> None:
    await pipeline.learn(*story.cast())
    attack = attacks(story)[name]
    honest: list[AnyEvent] = [
        story.click("k1", by="phone"),
        story.identified("login", Person("phone", None, "ann"), source="secret"),
        story.order(customer="ann", email="ann@", net=50000, token=TOKEN),
    ]
    parts = {
        "before": [attack, honest],
        "after": [honest, attack],
        "together": [Random(name).sample([*honest, *attack], len(honest) + len(attack))],
    }
    for batch in parts[moment]:
        await pipeline.feed(*batch)
    events = [*honest, *attack]
    mia = story.ident("placement", "mia")
    assert await accounts(pipeline, story, events) == {mia: 50000}
    assert await pipeline.rows("SELECT 1 FROM attribution.dead_letters", story.workspace_id) == []


@pytest.mark.parametrize("seed", range(4))
async def test_a_page_that_proves_its_customer_ties_its_visitor_to_it(
    pipeline: AttributionPipeline, story: Story, seed: int
) -> None:
    """The order carries the customer alone; the click reaches it by the proven tie."""
    await pipeline.learn(*story.cast())
    proven = Person(visitor_id="phone", customer_id="ann", is_proven=True)
    earlier = story.click(None, of="tom", at=NOON - HOUR, source="public", person=proven)
    events: list[AnyEvent] = [
        story.click("k1", by="phone"),
        earlier,
        story.identified("login", proven, source="public"),
        story.order(customer="ann", net=50000),
    ]
    Random(seed).shuffle(events)
    for event in events:
        await pipeline.feed(event)
    assert await accounts(pipeline, story, events) == {story.ident("placement", "mia"): 50000}


@pytest.mark.parametrize("arrival", ["claim first", "order first"])
async def test_a_claim_with_the_token_of_the_order_joins_it(
    pipeline: AttributionPipeline, story: Story, arrival: str
) -> None:
    await pipeline.learn(*story.cast())
    clicked = story.click("k1", by="phone")
    claim = story.order(visitor="shop", click=clicked, source="public", token=TOKEN)
    trusted = story.order(customer="ann", net=500, token=TOKEN)
    events: list[AnyEvent] = [claim, trusted] if arrival == "claim first" else [trusted, claim]
    for event in events:
        await pipeline.feed(event)
    mia = story.ident("placement", "mia")
    assert await accounts(pipeline, story, events) == {mia: 500}
    # The clicks of the same visitor count, and the clicks that its page was opened with.
    earlier = story.click("k0", of="tom", by="phone", at=NOON - HOUR)
    landed = story.click("k2", of="tom", at=NOON + HOUR / 2)
    more: list[AnyEvent] = [clicked, earlier, story.visited("shop", landed), landed]
    for event in more:
        await pipeline.feed(event)
        events.append(event)
        await accounts(pipeline, story, events)
    assert await accounts(pipeline, story, events) == {story.ident("placement", "tom"): 500}


async def test_two_proven_claims_that_differ_change_nothing(
    pipeline: AttributionPipeline, story: Story
) -> None:
    await pipeline.learn(*story.cast())
    clicks = story.click("k1", by="phone"), story.click("k2", of="tom", by="other")
    claims = [
        story.order(click=click, source="public", token=TOKEN, same=str(n))
        for n, click in enumerate(clicks)
    ]
    trusted = story.order(customer="ann", net=500, token=TOKEN)
    await pipeline.feed(*clicks, trusted, claims[0])
    mia = story.ident("placement", "mia")
    assert await accounts(pipeline, story, [*clicks, trusted, claims[0]]) == {mia: 500}
    found = KINDS["claims_disagree"].found
    assert await pipeline.rows(found, story.workspace_id) == []
    await pipeline.feed(claims[1])
    assert await accounts(pipeline, story, [*clicks, trusted, *claims]) == {"organic": 500}
    assert [row[1] for row in await pipeline.rows(found, story.workspace_id)] == ["1001"]


async def test_a_claim_that_proves_nothing_is_listed(
    pipeline: AttributionPipeline, story: Story
) -> None:
    await pipeline.learn(*story.cast())
    claims = [
        story.order(click=story.click(f"k{n}"), source="public", token=token, same=str(n))
        for n, token in enumerate((TOKEN, None, TOKEN + "?"))
    ]
    found = KINDS["claims_without_proof"].found
    await pipeline.feed(*claims)
    assert await pipeline.rows(found, story.workspace_id) == []  # no trusted source told the order
    await pipeline.feed(story.order(customer="ann", net=500, token=TOKEN))
    listed = await pipeline.rows(found, story.workspace_id)
    assert {str(row[2]) for row in listed} == {claim.event_id for claim in claims[1:]}
    assert {row[1] for row in listed} == {"1001"}


@pytest.mark.parametrize("seed", range(6))
async def test_a_late_tie_of_the_carried_browser_counts_in_every_order(
    pipeline: AttributionPipeline, story: Story, seed: int
) -> None:
    await pipeline.learn(*story.cast())
    clicked = story.click("k1")
    events: list[AnyEvent] = [
        clicked,
        story.visited("shop", clicked),
        story.order(visitor="shop", customer="ann", net=500),
    ]
    Random(seed).shuffle(events)
    for event in events:
        await pipeline.feed(event)
    assert await accounts(pipeline, story, events) == {story.ident("placement", "mia"): 500}


async def test_a_browser_with_too_many_ties_loses_them_in_every_order(
    pipeline: AttributionPipeline, story: Story
) -> None:
    await pipeline.learn(*story.cast())
    clicks = [story.click(f"k{n}", at=NOON + timedelta(seconds=n)) for n in range(51)]
    visits = [story.visited("shop", click) for click in clicks]
    told = story.order(visitor="shop", net=500)
    await pipeline.feed(*clicks, told, *visits[:50])
    events: list[AnyEvent] = [*clicks, told, *visits[:50]]
    assert await accounts(pipeline, story, events) == {story.ident("placement", "mia"): 500}
    await pipeline.feed(visits[50])
    assert await accounts(pipeline, story, [*events, visits[50]]) == {"organic": 500}


async def test_the_claims_of_one_visitor_stop_nothing(
    pipeline: AttributionPipeline, story: Story
) -> None:
    await pipeline.learn(*story.cast())
    clicks = [story.click(f"k{n}", by="stranger") for n in range(300)]
    claims = [
        story.order(f"{n}", visitor="stranger", click=click, source="public", token=f"{TOKEN}{n}")
        for n, click in enumerate(clicks)
    ]
    honest: list[AnyEvent] = [story.click("k", by="phone"), story.order(visitor="phone", net=7)]
    await pipeline.feed(*clicks)
    await pipeline.feed(*claims)
    await pipeline.feed(*honest)
    events = [*clicks, *claims, *honest]
    assert await accounts(pipeline, story, events) == {story.ident("placement", "mia"): 7}
    joined = await pipeline.rows(
        "SELECT count(*) FROM attribution.aliases WHERE component_id <> key AND key >= 'o'"
        " AND key < 'p'",
        story.workspace_id,
    )
    assert joined == [(0,)]
