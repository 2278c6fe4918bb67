"""One more click on a long journey: what a revision writes is bounded by slots, not by touches."""

from datetime import timedelta
from typing import Final

import pytest

from services.attribution.domain.journey import TOUCHES_MAX
from services.attribution.domain.listing import LISTED_MAX
from services.attribution.wire.decision_bytes import decode_decision
from shared.credits import DecisionCredited, encode_credits
from shared.events import AnyEvent
from tests.factories import NOON
from tests.integration.attribution.attribution_pipeline import AttributionPipeline
from tests.integration.attribution.story import Story

BATCH: Final = 5_000
MODELS: Final = ("first", "last", "linear")
WRITTEN: Final = """
SELECT d.body, octet_length(c.standing)
FROM attribution.conversions AS c
JOIN attribution.decisions AS d ON d.own_key = c.own_key AND d.workspace_id = c.workspace_id
ORDER BY d.revision DESC LIMIT 1
"""
BALANCE: Final = """
SELECT model, sum(amount_minor)::bigint, sum(units)::bigint, sum(placed_units)::bigint
FROM attribution.ledger GROUP BY model ORDER BY model
"""
BY_REVISION: Final = """
SELECT revision, count(*)::integer FROM attribution.ledger GROUP BY revision ORDER BY revision
"""


@pytest.mark.parametrize(
    ("clicks", "apart", "quarters", "bytes_max"),
    [
        # The bound of a journey is 10,000 touches: one more click takes the place of the oldest.
        # Clicks that are more than ten seconds apart are no repeats.
        (10_000, timedelta(seconds=11), 124, 120_000),
        # Below the bound, one more click changes each share of the linear model.
        (9_000, timedelta(seconds=11), 111, 120_000),
        (9_000, timedelta(seconds=268), 2_681, 2_500_000),
    ],
    ids=["10,000 in 31 hours", "9,000 in 28 hours", "9,000 over 28 days"],
)
async def test_one_more_click_writes_the_slots_that_changed(
    pipeline: AttributionPipeline,
    story: Story,
    clicks: int,
    apart: timedelta,
    quarters: int,
    bytes_max: int,
) -> None:
    """Before, the second revision wrote 20,004 ledger lines and 15 MB for any of them."""
    await pipeline.learn(*story.cast())
    clicked: list[AnyEvent] = [
        story.click(f"k{number}", by="v1", at=NOON - number * apart) for number in range(clicks)
    ]
    for place in range(0, clicks, BATCH):
        await pipeline.feed(*clicked[place : place + BATCH])
    await pipeline.feed(story.order("1001", visitor="v1", net=99_999))
    await pipeline.feed(story.click("one more", by="v1", at=NOON + timedelta(minutes=1)))

    first, second = [r for r in await pipeline.credits() if isinstance(r, DecisionCredited)]
    assert second.revision == first.revision + 1
    assert len(first.entries) <= quarters + 2
    assert len(second.entries) <= 2 * (quarters + 3)
    assert len(encode_credits(second)) < bytes_max
    rows = await pipeline.rows(BY_REVISION, story.workspace_id)
    assert rows == [(1, len(first.entries)), (2, len(second.entries))]

    ((body, standing),) = await pipeline.rows(WRITTEN, story.workspace_id)
    assert len(body) < 60_000
    assert standing < bytes_max
    decision = decode_decision(body)
    assert len(decision.candidates) == LISTED_MAX
    # The newest 10,000 touches of a key are read: older ones are no candidates any more.
    counted = min(clicks + 1, TOUCHES_MAX)
    assert sum(item.count for item in decision.unlisted) == counted - LISTED_MAX
    linear = [credit for credit in decision.credits if credit.model == "linear"]
    assert sum(credit.touches for credit in linear) == counted
    assert sum(credit.share for credit in linear) == 1
    balance = await pipeline.rows(BALANCE, story.workspace_id)
    assert balance == [(model, 99_999, 1_000_000, 1_000_000) for model in MODELS]


async def test_a_slot_that_did_not_change_is_not_written_again(
    pipeline: AttributionPipeline, story: Story
) -> None:
    await pipeline.learn(*story.cast(), story.policy(models=("first", "last")))
    hour = timedelta(hours=1)
    await pipeline.feed(story.click("k1", of="mia", by="v1", at=NOON - 5 * hour))
    await pipeline.feed(story.click("k2", of="tom", by="v1", at=NOON - 2 * hour))
    await pipeline.feed(story.order("1001", visitor="v1", net=500))
    await pipeline.feed(story.click("k3", of="tom", by="v1", at=NOON - hour))
    _, second = [r for r in await pipeline.credits() if isinstance(r, DecisionCredited)]
    written = [(e.model, e.amount_minor, e.revision, e.reverses) for e in second.entries]
    assert written == [("last", -500, 2, 1), ("last", 500, 2, None)]
    assert {e.touched_at for e in second.entries} == {NOON - 2 * hour, NOON - hour}
    # The third revision reverses what the second one booked, and what the first one booked.
    await pipeline.feed(story.adjusted(amount=100))
    third = [r for r in await pipeline.credits() if isinstance(r, DecisionCredited)][-1]
    assert [(e.model, e.amount_minor, e.reverses) for e in third.entries] == [
        ("first", -500, 1),
        ("last", -500, 2),
        ("first", 400, None),
        ("last", 400, None),
    ]
