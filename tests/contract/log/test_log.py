"""What every log promises: order, offsets, visibility, retention, compaction, groups, deadlines.

Each test runs over memory, Postgres and Apache Kafka.
"""

import asyncio
import time

import pytest

from shared.errors import OffsetGone, Transient
from shared.log.partition import partition_of
from shared.log.port import StoredRecord
from tests.contract.log.harness import (
    RETENTION_MS,
    Harness,
    eventually,
    fresh_topic,
    read_to_end,
    record,
    seek_all,
    values,
)


async def test_records_of_one_key_come_back_in_order_from_one_partition(harness: Harness) -> None:
    topic = fresh_topic()
    log = await harness.log_with(topic)
    for batch in range(5):
        await log.append(
            topic, [record(f"key-{k}", f"{batch}.{n}") for n in range(20) for k in range(3)]
        )
    reader = await log.reader(topic, group=None)
    await seek_all(log, topic, reader)
    found = await read_to_end(log, topic, reader)
    assert len(found) == 300
    for k in range(3):
        mine = [r for r in found if r.key == f"key-{k}".encode()]
        assert values(mine) == [f"{batch}.{n}" for batch in range(5) for n in range(20)]
        assert {r.partition for r in mine} == {partition_of(f"key-{k}".encode(), 4)}
        assert [r.offset for r in mine] == sorted(r.offset for r in mine)


async def test_a_record_comes_back_whole(harness: Harness) -> None:
    topic = fresh_topic(partitions=1)
    log = await harness.log_with(topic)
    before_ms = time.time() * 1000
    sent = record("schlüssel", "\x00 value ü", ce_type=b"laurel.clicked", ce_id="ü".encode())
    await log.append(topic, [sent, record("bare", "")])
    reader = await log.reader(topic, group=None)
    await seek_all(log, topic, reader)
    whole, bare = await read_to_end(log, topic, reader)
    assert (whole.key, whole.value, whole.headers) == (sent.key, sent.value, sent.headers)
    assert (bare.value, bare.headers) == (b"", ())
    assert (whole.topic, whole.partition, whole.offset, whole.next_offset) == (topic.name, 0, 0, 1)
    assert before_ms - 2_000 <= whole.appended_at_ms <= time.time() * 1000 + 2_000


async def test_an_offset_is_the_next_to_read(harness: Harness) -> None:
    topic = fresh_topic(partitions=1)
    log = await harness.log_with(topic)
    assert await log.low_offsets(topic) == {0: 0}
    assert await log.end_offsets(topic) == {0: 0}
    await log.append(topic, [record("k", str(n)) for n in range(10)])
    assert await log.end_offsets(topic) == {0: 10}
    reader = await log.reader(topic, group=None)
    assert await reader.assignment() == {0}
    await reader.seek(0, 7)
    assert values(await reader.fetch(records_max=100, wait_ms=5_000)) == ["7", "8", "9"]
    await reader.seek(0, 2)
    assert values(await reader.fetch(records_max=3, wait_ms=5_000)) == ["2", "3", "4"]
    assert values(await reader.fetch(records_max=3, wait_ms=5_000)) == ["5", "6", "7"]


async def test_a_partition_that_was_not_sought_is_not_read(harness: Harness) -> None:
    topic = fresh_topic(partitions=2)
    log = await harness.log_with(topic)
    await log.append(topic, [record(f"k{n}", str(n)) for n in range(50)])
    reader = await log.reader(topic, group=None)
    assert await reader.assignment() == {0, 1}
    assert await reader.fetch(records_max=100, wait_ms=200) == ()
    await reader.seek(1, 0)
    found = await reader.fetch(records_max=100, wait_ms=5_000)
    assert {r.partition for r in found} == {1}


async def test_a_fetch_reads_one_partition_and_partitions_alternate(harness: Harness) -> None:
    topic = fresh_topic()
    log = await harness.log_with(topic)
    await log.append(topic, [record(f"k{n}", str(n)) for n in range(400)])
    reader = await log.reader(topic, group=None)
    await seek_all(log, topic, reader)
    batches = [await reader.fetch(records_max=10, wait_ms=5_000) for _ in range(12)]
    assert all(batch and len({r.partition for r in batch}) == 1 for batch in batches)
    assert {batch[0].partition for batch in batches} == {0, 1, 2, 3}


async def test_an_empty_fetch_takes_its_wait_and_news_ends_it(harness: Harness) -> None:
    topic = fresh_topic(partitions=1)
    log = await harness.log_with(topic)
    reader = await log.reader(topic, group=None)
    await seek_all(log, topic, reader)
    started = time.monotonic()
    assert list(await reader.fetch(records_max=10, wait_ms=300)) == []
    assert 0.25 <= time.monotonic() - started < 3.0
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(reader.fetch(records_max=10, wait_ms=20_000))
        await asyncio.sleep(0.2)
        appended = time.monotonic()
        await log.append(topic, [record("k", "news")])
    assert values(waiting.result()) == ["news"]
    # Half of the wait: a machine that stops for a second is not a wait that goes on.
    assert time.monotonic() - appended < 10.0


async def test_nothing_becomes_visible_behind_a_reader(harness: Harness) -> None:
    """With several appenders, a reader sees every record, each offset once, in order."""
    topic = fresh_topic(partitions=2)
    logs = [await harness.log_with(topic) for _ in range(3)]
    reader = await logs[0].reader(topic, group=None)
    await seek_all(logs[0], topic, reader)
    found: list[StoredRecord] = []

    async def append(number: int) -> None:
        for batch in range(20):
            await logs[number].append(
                topic, [record(f"{number}-{n}", f"{number}.{batch}.{n}") for n in range(10)]
            )

    async def follow() -> None:
        while len(found) < 600:
            found.extend(await reader.fetch(records_max=50, wait_ms=1_000))

    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        tasks.create_task(follow())
        for number in range(3):
            tasks.create_task(append(number))
    assert len(set(values(found))) == 600
    for partition in (0, 1):
        offsets = [r.offset for r in found if r.partition == partition]
        assert offsets == list(range(len(offsets)))


async def test_below_the_low_mark_is_an_error_and_no_jump(harness: Harness) -> None:
    topic = fresh_topic(partitions=1, retention_ms=RETENTION_MS)
    log = await harness.log_with(topic)
    await log.append(topic, [record("k", f"old {n}") for n in range(5)])
    reader = await log.reader(topic, group=None)
    await reader.assignment()
    await reader.seek(0, 0)

    async def old_ones_are_gone() -> bool:
        await harness.forget_old(log, topic)
        return (await log.low_offsets(topic))[0] >= 5

    await eventually(old_ones_are_gone)

    async def read_from_the_start() -> bool:
        await reader.seek(0, 0)
        return bool(await reader.fetch(records_max=10, wait_ms=500))

    with pytest.raises(OffsetGone) as gone:
        await eventually(read_from_the_start)
    assert (gone.value.partition, gone.value.offset) == (0, 0)
    assert gone.value.low >= 5
    await log.append(topic, [record("k", "new")])
    await reader.seek(0, gone.value.low)
    assert values(await reader.fetch(records_max=10, wait_ms=5_000)) == ["new"]


async def test_compaction_keeps_the_newest_value_and_the_offsets(harness: Harness) -> None:
    topic = fresh_topic(partitions=1, compacted=True)
    log = await harness.log_with(topic)
    for version in range(4):
        await log.append(topic, [record(f"k{n}", f"{n} v{version}") for n in range(10)])
    reader = await log.reader(topic, group=None)

    async def is_compact() -> bool:
        # Kafka does not compact the active segment; another record with a new key closes it.
        await log.append(topic, [record("last", "last")])
        await harness.compact(log, topic)
        await seek_all(log, topic, reader)
        found = await read_to_end(log, topic, reader)
        assert {f"{n} v3" for n in range(10)} <= set(values(found))
        assert all(r.offset == 30 + int(r.value[:1]) for r in found if r.value.endswith(b"v3"))
        return not any(r.value.endswith((b"v0", b"v1", b"v2")) for r in found)

    await eventually(is_compact, seconds=60)
    assert (await log.end_offsets(topic))[0] > 40
    await reader.seek(0, 5)
    holes = await reader.fetch(records_max=3, wait_ms=5_000)
    assert [r.offset for r in holes] == [30, 31, 32]


async def test_two_members_of_a_group_share_and_one_takes_over(harness: Harness) -> None:
    topic = fresh_topic()
    log, other = await harness.log_with(topic), await harness.log()
    first = await log.reader(topic, group="g")
    assert await seek_all(log, topic, first) == {0, 1, 2, 3}
    second = await other.reader(topic, group="g")

    async def balanced() -> bool:
        mine, theirs = await first.assignment(), await second.assignment()
        await first.fetch(records_max=1, wait_ms=10)
        await second.fetch(records_max=1, wait_ms=10)
        return len(mine) == len(theirs) == 2 and not mine & theirs

    await eventually(balanced)
    await log.append(topic, [record(f"k{n}", str(n)) for n in range(100)])
    assert await first.assignment() | await second.assignment() == {0, 1, 2, 3}
    await seek_all(log, topic, first)
    await seek_all(other, topic, second)
    mine = await read_to_end(log, topic, first)
    theirs = await read_to_end(other, topic, second)
    assert sorted(values(mine) + values(theirs), key=int) == [str(n) for n in range(100)]
    await first.close()

    async def took_over() -> bool:
        await second.fetch(records_max=1, wait_ms=10)
        return await second.assignment() == {0, 1, 2, 3}

    await eventually(took_over)
    await seek_all(other, topic, second)
    assert len(await read_to_end(other, topic, second)) == 100


async def test_another_group_reads_everything_again(harness: Harness) -> None:
    topic = fresh_topic()
    log = await harness.log_with(topic)
    await log.append(topic, [record(f"k{n}", str(n)) for n in range(10)])
    for group in ("one", "two"):
        reader = await log.reader(topic, group=group)
        await seek_all(log, topic, reader)
        assert len(await read_to_end(log, topic, reader)) == 10


async def test_topics_are_made_once_by_many(harness: Harness) -> None:
    topics = [fresh_topic(partitions=3), fresh_topic(partitions=1, compacted=True)]
    logs = [await harness.log() for _ in range(3)]
    async with asyncio.TaskGroup() as tasks:
        for log in logs:
            tasks.create_task(log.ensure_topics(topics))
    await logs[0].append(topics[0], [record("k", "v")])
    await logs[1].ensure_topics(topics)
    assert sum((await logs[2].end_offsets(topics[0])).values()) == 1
    assert set(await logs[2].end_offsets(topics[1])) == {0}


async def test_a_log_that_is_away_is_transient_within_its_deadline_and_closes(
    harness: Harness,
) -> None:
    topic = fresh_topic()
    log = harness.make_unreachable()
    started = time.monotonic()
    await log.open()
    with pytest.raises(Transient):
        await log.append(topic, [record("k", "v")])
    with pytest.raises(Transient):
        await log.end_offsets(topic)
    reader = await log.reader(topic, group="g")
    with pytest.raises(Transient):
        await reader.assignment()
    assert time.monotonic() - started < 10.0
    closing = time.monotonic()
    await log.close()
    assert time.monotonic() - closing < 5.0


async def test_an_empty_batch_is_nothing(harness: Harness) -> None:
    topic = fresh_topic()
    log = await harness.log_with(topic)
    await log.append(topic, [])
    assert set((await log.end_offsets(topic)).values()) == {0}
