"""A batch's effects: stored clicks, credited orders, duplicates, conflicts, and guarded offsets."""

from collections import Counter
from datetime import timedelta

import msgspec
import pytest

from shared.credits import DecisionCredited, TouchesTallied
from shared.errors import OffsetMoved
from shared.events import Quality, Source, encode_event
from shared.log.topics import DEAD_LETTER
from tests.factories import NOON
from tests.fixtures.batches import hand_over
from tests.integration.attribution.attribution_pipeline import AttributionPipeline
from tests.integration.attribution.story import Story

MODELS = ("first", "last", "linear")
LETTERS = "SELECT reason, event_id::text, partition, record_offset FROM attribution.dead_letters"


async def outcomes(pipeline: AttributionPipeline) -> dict[str, float]:
    """What the metrics say became of the records."""
    lines = pipeline.telemetry.render().decode().splitlines()
    prefix = 'laurel_batch_records_total{outcome="'
    found = {}
    for line in lines:
        if line.startswith(prefix) and 'topic="laurel.events"' in line:
            found[line.removeprefix(prefix).split('"')[0]] = float(line.rsplit(" ", 1)[1])
    return found


async def test_a_click_and_its_order_become_credit(
    pipeline: AttributionPipeline, story: Story
) -> None:
    await pipeline.learn(*story.cast())
    click = story.click("k1", of="mia", by="v1")
    await pipeline.feed(click, story.click("k2", of="tom", by="v2"))
    await pipeline.feed(story.order("1001", click=click, net=4990))
    mia = story.ident("placement", "mia")
    assert await pipeline.net_ledger(story.workspace_id) == {
        ("1001", model, mia, "EUR"): 4990 for model in MODELS
    }


async def test_an_order_without_touches_is_organic(
    pipeline: AttributionPipeline, story: Story
) -> None:
    await pipeline.feed(story.order("1001", net=100))
    assert await pipeline.net_ledger(story.workspace_id) == {
        ("1001", model, "organic", "EUR"): 100 for model in MODELS
    }


async def test_the_journey_of_the_visitor_behind_the_click_counts(
    pipeline: AttributionPipeline, story: Story
) -> None:
    await pipeline.learn(*story.cast())
    last = story.click("k2", of="tom", by="v1", at=NOON + timedelta(minutes=5))
    await pipeline.feed(
        story.click("k1", of="mia", by="v1"), last, story.order("1001", click=last, net=100)
    )
    mia, tom = story.ident("placement", "mia"), story.ident("placement", "tom")
    assert await pipeline.net_ledger(story.workspace_id) == {
        ("1001", "first", mia, "EUR"): 100,
        ("1001", "last", tom, "EUR"): 100,
        ("1001", "linear", mia, "EUR"): 50,
        ("1001", "linear", tom, "EUR"): 50,
    }


async def test_duplicates_change_nothing(pipeline: AttributionPipeline, story: Story) -> None:
    await pipeline.learn(*story.cast())
    click = story.click("k1", by="v1")
    order = story.order("1001", click=click)
    await pipeline.feed(click, click, order)
    before = await pipeline.net_ledger(story.workspace_id)
    await pipeline.feed(order, click, order)
    await pipeline.feed(click)
    assert await pipeline.net_ledger(story.workspace_id) == before
    assert await pipeline.rows(
        "SELECT revision FROM attribution.decisions", story.workspace_id
    ) == [(1,)]
    assert await outcomes(pipeline) == {"stored": 2, "duplicate": 5, "dead_lettered": 0}


async def test_arrival_time_quality_and_source_do_not_make_a_conflict(
    pipeline: AttributionPipeline, story: Story
) -> None:
    click = story.click("k1", by="v1")
    again = msgspec.structs.replace(
        click,
        received_at=NOON + timedelta(hours=3),
        quality=(Quality.BOT,),
        source=Source("secret", "import"),
    )
    await pipeline.feed(click)
    await pipeline.feed(again)
    assert await outcomes(pipeline) == {"stored": 1, "duplicate": 1, "dead_lettered": 0}


async def test_another_payload_under_a_known_id_is_a_conflict(
    pipeline: AttributionPipeline, story: Story
) -> None:
    order = story.order("1001", net=100)
    forged = msgspec.structs.replace(order, net_minor=999)
    await pipeline.feed(order, forged)
    await pipeline.feed(forged, order)
    letters = await pipeline.rows(LETTERS, story.workspace_id)
    assert sorted(letters, key=lambda row: row[3]) == [
        ("idempotency_conflict", order.event_id, pipeline.source.partition, 1),
        ("idempotency_conflict", order.event_id, pipeline.source.partition, 2),
    ]
    assert await outcomes(pipeline) == {"stored": 1, "duplicate": 1, "dead_lettered": 2}
    assert set((await pipeline.net_ledger(story.workspace_id)).values()) == {100}


async def test_a_conflicting_click_is_a_conflict_too(
    pipeline: AttributionPipeline, story: Story
) -> None:
    click = story.click("k1", of="mia", by="v1")
    forged = msgspec.structs.replace(click, link_id=story.ident("link", "tom"))
    await pipeline.feed(click)
    await pipeline.feed(forged)
    assert await outcomes(pipeline) == {"stored": 1, "duplicate": 0, "dead_lettered": 1}


async def test_a_lost_click_is_rebuilt_from_the_order(
    pipeline: AttributionPipeline, story: Story
) -> None:
    await pipeline.learn(*story.cast())
    lost = story.click("k1", of="mia", by="v1")
    await pipeline.feed(story.order("1001", click=lost, net=70))
    mia, tom = story.ident("placement", "mia"), story.ident("placement", "tom")
    assert ("1001", "last", mia, "EUR") in await pipeline.net_ledger(story.workspace_id)
    # The real click comes late, without conflict, and brings its visitor's earlier touch along.
    await pipeline.feed(story.click("k0", of="tom", by="v1", at=NOON - timedelta(hours=1)))
    await pipeline.feed(lost)
    ledger = await pipeline.net_ledger(story.workspace_id)
    assert ledger["1001", "first", tom, "EUR"] == 70
    assert ledger["1001", "last", mia, "EUR"] == 70
    assert (await outcomes(pipeline))["dead_lettered"] == 0
    tallied = [r for r in await pipeline.credits() if isinstance(r, TouchesTallied)]
    counted = [t.counted for record in tallied for t in record.tallies if t.account == mia]
    assert sum(counted) == 1


async def test_the_offset_moves_by_compare_and_set(
    pipeline: AttributionPipeline, story: Story
) -> None:
    click = story.click("k1", by="v1")
    await pipeline.feed(click)
    zombie = pipeline.source.events[:1]
    with pytest.raises(OffsetMoved):
        await hand_over(pipeline.events, pipeline.source.partition, 0, zombie)
    stored = await pipeline.events.stored_offsets()
    assert stored[pipeline.source.partition] == 1
    assert await outcomes(pipeline) == {"stored": 1, "duplicate": 0, "dead_lettered": 0}


async def test_bytes_that_are_no_event_become_dead_letters_and_travel(
    pipeline: AttributionPipeline, story: Story
) -> None:
    good = encode_event(story.click("k1", by="v1"))
    key = story.workspace_id.encode()
    poison = [
        b"",
        b"{}",
        b"\xff\xfe",
        b"[" * 100_000,
        good[:-9],
        good.replace(b'"v1"', b'"\\u0000"'),
    ]
    await pipeline.feed_bytes(good, *poison, key=key)
    assert await outcomes(pipeline) == {"stored": 1, "duplicate": 0, "dead_lettered": len(poison)}
    rows = await pipeline.rows(LETTERS, story.workspace_id)
    assert Counter(row[0] for row in rows) == {"not_an_event": 5, "bad_text": 1}
    await pipeline.credits()
    travelled = [record.value for record in await pipeline.read(DEAD_LETTER)]
    assert sorted(travelled) == sorted(poison)


async def test_a_letter_without_a_readable_workspace_is_kept_too(
    pipeline: AttributionPipeline,
) -> None:
    await pipeline.feed_bytes(b"nonsense", key=b"\xff")
    nowhere = "00000000-0000-0000-0000-000000000000"
    rows = await pipeline.rows(LETTERS, nowhere)
    assert ("not_an_event", None, pipeline.source.partition, 0) in rows


async def test_credits_are_numbered_without_gaps_and_in_time(
    pipeline: AttributionPipeline, story: Story
) -> None:
    await pipeline.learn(*story.cast())
    for number in range(4):
        click = story.click(f"k{number}", by=f"v{number}", at=NOON + timedelta(minutes=number))
        await pipeline.feed(click, story.order(f"{number}", click=click))
        await pipeline.feed(story.adjusted("r", of=f"{number}"))
    records = await pipeline.credits()
    assert [record.sequence for record in records] == list(range(1, 13))
    moments = [record.recorded_at for record in records]
    assert moments == sorted(set(moments))
    decided = [record for record in records if isinstance(record, DecisionCredited)]
    assert [record.revision for record in decided] == [1, 2] * 4
    assert await pipeline.rows("SELECT * FROM attribution.outbox", story.workspace_id) == []
