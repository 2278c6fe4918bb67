"""One more click on a long journey: what a revision writes is bounded by slots, not by touches."""

from datetime import timedelta
from typing import Final

import pytest

from services.attribution.domain.listing import LISTED_MAX
from services.attribution.wire.decision_bytes import decode_decision
from shared.credits import DecisionCredited, encode_credits
from shared.events import AnyEvent
from tests.factories import NOON
from tests.integration.attribution.attribution_pipeline import AttributionPipeline
from tests.integration.attribution.story import Story

CLICKS: Final = 10_000
BATCH: Final = 5_000
MODELS: Final = ("first", "last", "linear")
WRITTEN: Final = """
SELECT d.body, c.standing, octet_length(d.body) + octet_length(c.standing) AS bytes
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
    ("apart", "quarters", "kilobytes_max"),
    [(timedelta(seconds=1), 13, 50), (timedelta(minutes=4), 2_668, 2_500)],
    ids=["in three hours", "over 28 days"],
)
async def test_one_more_click_writes_the_slots_that_changed(
    pipeline: AttributionPipeline,
    story: Story,
    apart: timedelta,
    quarters: int,
    kilobytes_max: int,
) -> None:
    """Before, the second revision wrote 20,004 ledger lines and 15 MB for either journey."""
    await pipeline.learn(*story.cast())
    clicks: list[AnyEvent] = [
        story.click(f"k{number}", by="v1", at=NOON - number * apart) for number in range(CLICKS)
    ]
    for place in range(0, CLICKS, BATCH):
        await pipeline.feed(*clicks[place : place + BATCH])
    await pipeline.feed(story.order("1001", visitor="v1", net=99_999))
    await pipeline.feed(story.click("one more", by="v1", at=NOON + timedelta(minutes=1)))

    first, second = [r for r in await pipeline.credits() if isinstance(r, DecisionCredited)]
    assert second.revision == first.revision + 1
    assert len(first.entries) <= quarters + 2
    assert len(second.entries) <= 2 * (quarters + 3)
    assert len(encode_credits(second)) < kilobytes_max * 1_000
    rows = await pipeline.rows(BY_REVISION, story.workspace_id)
    assert rows == [(1, len(first.entries)), (2, len(second.entries))]

    ((body, _, stored),) = await pipeline.rows(WRITTEN, story.workspace_id)
    assert stored < kilobytes_max * 1_000
    decision = decode_decision(body)
    assert len(decision.candidates) == LISTED_MAX
    # The newest 10,000 touches of a key are read: the oldest click is no candidate any more.
    assert sum(item.count for item in decision.unlisted) == CLICKS - LISTED_MAX
    linear = [credit for credit in decision.credits if credit.model == "linear"]
    assert sum(credit.touches for credit in linear) == CLICKS
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
