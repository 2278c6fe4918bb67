"""Late facts give the same result: touches, joins, orders, confirmations, corrections and hubs."""

from collections.abc import Sequence
from datetime import timedelta
from random import Random

import pytest

from shared.credits import DecisionCredited, TouchesTallied
from shared.events import AnyEvent, Clicked, Ordered, Person
from shared.ids import new_id, person_key
from tests.factories import NOON
from tests.fixtures.batches import hand_over
from tests.integration.attribution import oracle
from tests.integration.attribution.attribution_pipeline import AttributionPipeline
from tests.integration.attribution.story import Story

HOUR = timedelta(hours=1)


async def last_account(
    pipeline: AttributionPipeline, story: Story, order: str = "1001"
) -> dict[str, int]:
    """Return account → minor units under `last`."""
    ledger = await pipeline.net_ledger(story.workspace_id)
    return {a: n for (name, model, a, _), n in ledger.items() if (name, model) == (order, "last")}


async def statuses(pipeline: AttributionPipeline, story: Story) -> dict[str, str]:
    """Return order → status."""
    rows = await pipeline.rows(
        "SELECT natural_id, status FROM attribution.conversions", story.workspace_id
    )
    return dict(rows)


async def test_a_late_touch_takes_the_credit_with_reversals(
    pipeline: AttributionPipeline, story: Story
) -> None:
    await pipeline.learn(*story.cast())
    first = story.click("k1", of="mia", by="v1")
    await pipeline.feed(first, story.order("1001", click=first, net=100))
    await pipeline.feed(story.click("k2", of="tom", by="v1", at=NOON + timedelta(minutes=9)))
    assert await last_account(pipeline, story) == {story.ident("placement", "tom"): 100}
    records = [r for r in await pipeline.credits() if isinstance(r, DecisionCredited)]
    signs = [[e.amount_minor for e in r.entries if e.model == "last"] for r in records]
    assert signs == [[100], [-100, 100]]


async def test_a_late_join_brings_the_journey_along(
    pipeline: AttributionPipeline, story: Story
) -> None:
    await pipeline.learn(*story.cast())
    await pipeline.feed(
        story.click("k1", of="mia", by="v1"), story.order("1001", customer="c1", net=100)
    )
    assert await last_account(pipeline, story) == {"organic": 100}
    await pipeline.feed(story.identified("i", Person(visitor_id="v1", customer_id="c1")))
    assert await last_account(pipeline, story) == {story.ident("placement", "mia"): 100}


async def test_a_shared_device_parts_its_customers_in_both_orders(
    pipeline: AttributionPipeline,
) -> None:
    together = [
        ("a", Person(visitor_id="v1", customer_id="c1")),
        ("b", Person(visitor_id="v1", customer_id="c2")),
    ]
    for order in (together, together[::-1]):
        story = Story(new_id())
        await pipeline.learn(*story.cast())
        await pipeline.feed(story.click("k1", by="v1"), story.order("1001", customer="c1", net=100))
        for name, person in order:
            await pipeline.feed(story.identified(name, person))
        assert await last_account(pipeline, story) == {"organic": 100}


async def test_an_adjustment_waits_for_its_order(
    pipeline: AttributionPipeline, story: Story
) -> None:
    await pipeline.feed(story.adjusted(amount=30))
    assert await statuses(pipeline, story) == {"1001": "awaiting_order"}
    assert await pipeline.net_ledger(story.workspace_id) == {}
    await pipeline.feed(story.order("1001", net=100))
    assert await last_account(pipeline, story) == {"organic": 70}
    assert await statuses(pipeline, story) == {"1001": "organic"}


async def test_a_claim_earns_nothing_until_it_is_confirmed(
    pipeline: AttributionPipeline, story: Story
) -> None:
    await pipeline.learn(*story.cast())
    click = story.click("k1", by="v1")
    token = "the token of the cart"
    claim = story.order("1001", click=click, net=999, source="public", token=token)
    await pipeline.feed(click, claim)
    assert await statuses(pipeline, story) == {"1001": "unconfirmed"}
    assert await pipeline.net_ledger(story.workspace_id) == {}
    await pipeline.feed(story.order("1001", net=100, token=token))
    assert await last_account(pipeline, story) == {story.ident("placement", "mia"): 100}


async def test_the_same_order_from_three_sources_is_one_conversion(
    pipeline: AttributionPipeline, story: Story
) -> None:
    await pipeline.feed(
        story.order("1001", net=90, source="secret", source_id="sdk", version=9),
        story.order("1001", net=100, source="webhook", version=1),
        story.order("1001", net=80, source="public", version=99),
    )
    assert await last_account(pipeline, story) == {"organic": 100}
    await pipeline.feed(story.order("1001", net=70, source="webhook", version=2))
    assert await last_account(pipeline, story) == {"organic": 70}


async def test_another_currency_is_one_dead_letter(
    pipeline: AttributionPipeline, story: Story
) -> None:
    await pipeline.feed(story.order("1001", net=100), story.adjusted(currency="USD"))
    await pipeline.feed(story.adjusted("r2", amount=10))
    letters = await pipeline.rows("SELECT reason FROM attribution.dead_letters", story.workspace_id)
    assert letters == [("currency_mismatch",)]
    assert await last_account(pipeline, story) == {"organic": 90}


async def counted(pipeline: AttributionPipeline, story: Story) -> dict[str, int]:
    """Return account → published touches, without zeros."""
    found: dict[str, int] = {}
    for record in await pipeline.credits():
        if isinstance(record, TouchesTallied):
            for item in record.tallies:
                found[item.account] = found.get(item.account, 0) + item.counted
    return {account: number for account, number in found.items() if number}


async def test_a_corrected_link_moves_credit_and_counts(
    pipeline: AttributionPipeline, story: Story
) -> None:
    await pipeline.learn(*story.cast())
    clicks = [story.click(f"k{n}", of="mia", by="v1", at=NOON + n * HOUR) for n in range(4)]
    order = story.order("1001", click=clicks[0], net=100, at=NOON + 5 * HOUR)
    await pipeline.feed(*clicks, order)
    mia, tom = story.ident("placement", "mia"), story.ident("placement", "tom")
    assert await counted(pipeline, story) == {mia: 4}
    # The correction gives Tom the link from the third click on.
    moment = NOON + 2 * HOUR
    owners = (story.led_to("mia", None, moment), story.led_to("tom", moment))
    await pipeline.learn(story.link("mia", revision=2, owners=owners))
    assert await counted(pipeline, story) == {mia: 2, tom: 2}
    assert await last_account(pipeline, story) == {tom: 100}
    # An older revision that comes again changes nothing.
    await pipeline.learn(story.link("mia"))
    assert await last_account(pipeline, story) == {tom: 100}


async def test_a_link_that_becomes_known_late_is_credited_late(
    pipeline: AttributionPipeline, story: Story
) -> None:
    click = story.click("k1", by="v1")
    await pipeline.feed(click, story.order("1001", click=click, net=100))
    assert await last_account(pipeline, story) == {"organic": 100}
    assert await counted(pipeline, story) == {"organic": 1}
    await pipeline.learn(story.link("mia"))
    await pipeline.learn(story.placement("mia"))
    mia = story.ident("placement", "mia")
    assert await last_account(pipeline, story) == {mia: 100}
    assert await counted(pipeline, story) == {mia: 1}


async def test_a_correction_survives_the_process_that_took_it(
    pipeline: AttributionPipeline, story: Story
) -> None:
    await pipeline.learn(*story.cast())
    click = story.click("k1", of="mia", by="v1")
    await pipeline.feed(click, story.order("1001", click=click, net=100))
    # Killed between the record and the recompute: only the queue holds the task.
    added = pipeline.source.add_catalog(
        story.link("mia", revision=2, owners=(story.led_to("tom"),))
    )
    await hand_over(pipeline.catalog, pipeline.source.partition, added[0].offset, added)
    assert await last_account(pipeline, story) == {story.ident("placement", "mia"): 100}
    heir = AttributionPipeline(pipeline.database)
    await heir.worker.sweep()
    await heir.worker.drain()
    assert await last_account(pipeline, story) == {story.ident("placement", "tom"): 100}
    queue = await pipeline.rows("SELECT 1 FROM attribution.recomputes", story.workspace_id)
    assert queue == []


async def test_a_corrected_code_moves_credit(pipeline: AttributionPipeline, story: Story) -> None:
    await pipeline.learn(*story.cast(), story.code("TEN", of="mia"))
    await pipeline.feed(
        story.order("1001", net=100, codes=("ten ",)), story.order("1002", net=5, codes=("OTHER",))
    )
    assert await last_account(pipeline, story) == {story.ident("placement", "mia"): 100}
    await pipeline.learn(story.code("TEN", of="tom", revision=2), story.code("OTHER", of="mia"))
    assert await last_account(pipeline, story) == {story.ident("placement", "tom"): 100}
    assert await last_account(pipeline, story, "1002") == {story.ident("placement", "mia"): 5}


async def test_a_late_click_moves_the_credit_of_a_code_to_the_clicked_placement(
    pipeline: AttributionPipeline, story: Story
) -> None:
    await pipeline.learn(*story.cast(), story.code("TEN", of="mia", placement="video"))
    await pipeline.feed(story.order("1001", visitor="v1", net=100, codes=("ten",)))
    assert await last_account(pipeline, story) == {story.ident("placement", "video"): 100}
    await pipeline.feed(story.click("k1", of="mia", by="v1", at=NOON - HOUR))
    assert await last_account(pipeline, story) == {story.ident("placement", "mia"): 100}
    records = [r for r in await pipeline.credits() if isinstance(r, DecisionCredited)]
    last = next(entry for entry in reversed(records[-1].entries) if entry.model == "last")
    link = story.ident("link", "mia")
    assert (last.evidence_class, last.link_id, last.code) == ("code+click", link, "TEN")


async def test_what_changes_the_first_order_changes_those_that_it_won(
    pipeline: AttributionPipeline, story: Story
) -> None:
    """A late touch, a corrected link, a cancellation and an earlier order."""
    mia, tom = story.ident("placement", "mia"), story.ident("placement", "tom")
    await pipeline.learn(*story.cast())
    bought = NOON - timedelta(days=100)
    await pipeline.feed(story.order("1001", visitor="v1", customer="c1", net=100, at=bought))
    await pipeline.feed(story.order("1002", customer="c1", net=50))
    assert await last_account(pipeline, story, "1002") == {"organic": 50}
    await pipeline.feed(story.click("k1", of="mia", by="v1", at=bought - HOUR))
    assert await last_account(pipeline, story, "1002") == {mia: 50}
    await pipeline.learn(story.link("mia", revision=2, owners=(story.led_to("tom"),)))
    assert await last_account(pipeline, story, "1002") == {tom: 50}
    earlier = bought - timedelta(days=50)
    before = (
        story.click("k2", of="tom", by="v2", at=earlier - HOUR),
        story.order("1000", visitor="v2", customer="c1", net=7, at=earlier, codes=("NONE",)),
    )
    await pipeline.learn(story.link("tom", revision=2, owners=(story.led_to("mia"),)))
    await pipeline.feed(*before)
    assert await last_account(pipeline, story, "1002") == {mia: 50}
    await pipeline.feed(story.adjusted("a", of="1000", kind="cancel", amount=None))
    assert await last_account(pipeline, story, "1002") == {tom: 50}
    records = [r for r in await pipeline.credits() if isinstance(r, DecisionCredited)]
    classes = {e.evidence_class for r in records for e in r.entries if r.natural_id == "1002"}
    assert classes == {None, "acquired"}


async def test_an_earlier_purchase_that_comes_late_changes_the_stage(
    pipeline: AttributionPipeline, story: Story
) -> None:
    late = story.order("0", customer="c1", at=NOON - HOUR)
    await pipeline.feed(story.order("1", customer="c1"))
    await pipeline.feed(late)
    records = [r for r in await pipeline.credits() if isinstance(r, DecisionCredited)]
    stages = [(r.natural_id, r.new_customer, r.entries[-1].stage) for r in records]
    assert stages[0] == ("1", True, "purchase")
    assert sorted(stages[1:]) == [("0", True, "purchase"), ("1", False, "retention")]


async def test_a_kiosk_becomes_a_hub_and_joins_nobody(
    pipeline: AttributionPipeline, story: Story
) -> None:
    await pipeline.learn(*story.cast())
    events: list[AnyEvent] = [story.click("k1", by="kiosk"), story.order("0", visitor="kiosk")]
    events += [
        story.identified(f"i{n}", Person(visitor_id="kiosk", email_hash=f"e{n}")) for n in range(60)
    ]
    events += [story.order(f"{n}", email=f"e{n}", net=n) for n in range(1, 60)]
    await feed_in_tens(pipeline, events)
    expected = oracle.net_ledger(story.workspace_id, events, story.cast())
    assert await pipeline.net_ledger(story.workspace_id) == expected
    rows = await pipeline.rows(
        "SELECT count(*) FROM attribution.aliases WHERE degree > 50", story.workspace_id
    )
    assert rows == [(1,)]
    assert "laurel_identity_hubs_total 1.0" in pipeline.telemetry.render().decode()


@pytest.mark.parametrize("order", ["hub, click, tie", "tie, hub, click", "click, tie, hub"])
async def test_a_click_of_a_hub_is_lent_to_no_customer(
    pipeline: AttributionPipeline, story: Story, order: str
) -> None:
    await pipeline.learn(*story.cast())
    click = story.click("k1", by="kiosk")
    person = Person(visitor_id="v2", customer_id="c1")
    told: dict[str, list[AnyEvent]] = {
        "hub": [
            story.identified(f"i{n}", Person(visitor_id="kiosk", email_hash=f"e{n}"))
            for n in range(60)
        ],
        "click": [click],
        # Only the click's id joins the customer's scope with the kiosk.
        "tie": [
            story.visited("v2", click),
            story.identified("v2", person),
            story.order("1", customer="c1", at=NOON + timedelta(days=2)),
        ],
    }
    events = [event for part in order.split(", ") for event in told[part]]
    for start in range(0, len(events), 10):
        await pipeline.feed(*events[start : start + 10])
    expected = oracle.net_ledger(story.workspace_id, events, story.cast())
    assert await pipeline.net_ledger(story.workspace_id) == expected
    assert await last_account(pipeline, story, "1") == {"organic": 4990}


HUBS = "SELECT key FROM attribution.aliases WHERE degree > 50"


def guests(
    story: Story, count: int, *, customer: str = "guest"
) -> tuple[list[Clicked], list[Ordered]]:
    """Return visitors who click once and order with their click id, as one customer."""
    clicks = [story.click(f"k{n}", by=f"v{n}", at=NOON + timedelta(hours=n)) for n in range(count)]
    orders = [
        story.order(
            f"{n}", customer=customer, click=click, net=100 + n, at=NOON + timedelta(days=4)
        )
        for n, click in enumerate(clicks)
    ]
    return clicks, orders


@pytest.mark.parametrize("order", ["clicks first", "orders first", "mixed"])
async def test_guest_is_a_hub_by_the_clicks_of_its_visitors(
    pipeline: AttributionPipeline, story: Story, order: str
) -> None:
    await pipeline.learn(*story.cast())
    clicks, orders = guests(story, 55)
    # One of the 55 visitors, joined to the others only by the click.
    again = story.click("again", of="tom", by="v3", at=NOON + timedelta(days=3))
    events: list[AnyEvent] = [*clicks, again, *orders]
    if order == "orders first":
        events.reverse()
    if order == "mixed":
        Random(7).shuffle(events)
    for start in range(0, len(events), 10):
        await pipeline.feed(*events[start : start + 10])
    assert await pipeline.rows(HUBS, story.workspace_id) == [(person_key("customer", "guest"),)]
    found = await pipeline.net_ledger(story.workspace_id)
    assert found == oracle.net_ledger(story.workspace_id, events, story.cast())
    # No visitor carries another's click any more: the guests are separate again.
    mine, others = story.ident("placement", "mia"), story.ident("placement", "tom")
    accounts = {account for name, _, account, _ in found if name == "7"}
    assert accounts == {mine}, others


async def test_lost_clicks_are_nobody(pipeline: AttributionPipeline, story: Story) -> None:
    await pipeline.learn(*story.cast())
    _, orders = guests(story, 60)
    for start in range(0, 60, 10):
        await pipeline.feed(*orders[start : start + 10])
    assert await pipeline.rows(HUBS, story.workspace_id) == []
    expected = oracle.net_ledger(story.workspace_id, orders, story.cast())
    assert await pipeline.net_ledger(story.workspace_id) == expected


@pytest.mark.parametrize("are_clicks_first", [True, False])
async def test_a_loyal_customer_is_no_hub(
    pipeline: AttributionPipeline, story: Story, are_clicks_first: bool
) -> None:
    await pipeline.learn(*story.cast())
    clicks = [
        story.click(f"k{n}", by=f"phone{n % 2}", at=NOON + timedelta(hours=n)) for n in range(60)
    ]
    orders = [
        story.order(f"{n}", customer="ann", email="ann", click=click, at=click.occurred_at)
        for n, click in enumerate(clicks)
    ]
    events: list[AnyEvent] = [*clicks, *orders] if are_clicks_first else [*orders, *clicks]
    for start in range(0, len(events), 20):
        await pipeline.feed(*events[start : start + 20])
    assert await pipeline.rows(HUBS, story.workspace_id) == []
    expected = oracle.net_ledger(story.workspace_id, events, story.cast())
    assert await pipeline.net_ledger(story.workspace_id) == expected


@pytest.mark.parametrize("are_clicks_first", [True, False])
async def test_a_kiosk_is_a_hub_by_the_customers_of_its_clicks(
    pipeline: AttributionPipeline, story: Story, are_clicks_first: bool
) -> None:
    await pipeline.learn(*story.cast())
    clicks = [story.click(f"k{n}", by="kiosk", at=NOON + timedelta(hours=n)) for n in range(51)]
    orders = [
        story.order(f"{n}", customer=f"c{n}", click=click, at=NOON + timedelta(days=4))
        for n, click in enumerate(clicks)
    ]
    events: list[AnyEvent] = [*clicks, *orders] if are_clicks_first else [*orders, *clicks]
    # The fiftieth visitor joins them; the fifty-first separates them all.
    await pipeline.feed(*events[:-1])
    assert await pipeline.rows(HUBS, story.workspace_id) == []
    await pipeline.feed(events[-1])
    assert await pipeline.rows(HUBS, story.workspace_id) == [(person_key("visitor", "kiosk"),)]
    expected = oracle.net_ledger(story.workspace_id, events, story.cast())
    assert await pipeline.net_ledger(story.workspace_id) == expected


async def feed_in_tens(pipeline: AttributionPipeline, events: Sequence[AnyEvent]) -> None:
    """Handle ten events at a time; identifications are mixed with orders."""
    mixed = [event for part in range(10) for event in events[part::10]]
    for start in range(0, len(mixed), 10):
        await pipeline.feed(*mixed[start : start + 10])
