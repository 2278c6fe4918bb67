"""The reader of the Kafka log and rebalances in the middle of a poll: no record twice, none lost.

The client is a fake, which `KafkaReader` takes as an argument, because a real broker cannot be
made to rebalance during one poll.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from aiokafka import TopicPartition

from shared.clock import SystemClock
from shared.log.kafka.reader import KafkaReader
from shared.log.memory import MemoryBroker, MemoryLog
from shared.log.port import Record
from shared.log.topics import Topic

TOPIC = Topic("t", 1, None)
PARTITION = TopicPartition("t", 0)


class FakeRecord(NamedTuple):
    """A record as the client returns it."""

    offset: int
    topic: str = "t"
    partition: int = 0
    key: bytes = b""
    value: bytes = b""
    headers: tuple[tuple[str, bytes], ...] = ()
    timestamp: int = 0


class FakeClient:
    """Return three records a poll from its position.

    `during_poll` is called in the middle of a poll, after `polls_before` polls.
    """

    def __init__(self) -> None:
        self.at = 0
        self.listener: Any = None
        self.during_poll: Callable[[], None] | None = None
        self.polls_before = 0

    def subscribe(self, topics: list[str], *, listener: Any) -> None:
        assert topics == [TOPIC.name]
        self.listener = listener

    async def start(self) -> None:
        self.listener.on_partitions_assigned([PARTITION])

    async def stop(self) -> None:
        self.listener = None

    def seek(self, tp: TopicPartition, offset: int) -> None:
        assert tp == PARTITION
        self.at = offset

    async def position(self, tp: TopicPartition) -> int:
        assert tp == PARTITION
        return self.at

    async def getmany(
        self, *tps: TopicPartition, timeout_ms: int, max_records: int
    ) -> dict[TopicPartition, list[FakeRecord]]:
        assert tps == (PARTITION,)
        assert timeout_ms >= 0
        self.polls_before -= 1
        if self.during_poll is not None and self.polls_before < 0:
            happens, self.during_poll = self.during_poll, None
            happens()
        records = [FakeRecord(offset) for offset in range(self.at, self.at + min(3, max_records))]
        self.at += len(records)
        return {PARTITION: records}


@pytest.mark.parametrize("polls_before", range(6))
async def test_records_after_a_rebalance_in_mid_poll_are_read_again(polls_before: int) -> None:
    clock = SystemClock()
    log = MemoryLog(MemoryBroker(clock))
    await log.ensure_topics([TOPIC])
    await log.append(TOPIC, [Record(b"", b"") for _ in range(20)])
    client = FakeClient()
    reader = KafkaReader(log, TOPIC, lambda: client, is_member=True, timeout_seconds=5)
    assert await reader.assignment() == {0}
    await reader.seek(0, 5)

    def rebalance() -> None:
        reader.on_partitions_revoked([PARTITION])
        reader.on_partitions_assigned([PARTITION])

    client.during_poll, client.polls_before = rebalance, polls_before
    handed_out: list[int] = []
    for _ in range(4):
        await reader.assignment()
        handed_out += [r.offset for r in await reader.fetch(records_max=10, wait_ms=1_000)]
    assert handed_out == list(range(5, 5 + len(handed_out)))
    assert len(handed_out) == 30  # a batch of ten is several polls; one batch was dropped
    await reader.close()
