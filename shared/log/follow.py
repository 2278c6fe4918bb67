"""Follow a compacted topic: read all of it, then hand over each new record, without an end.

Promise: `caught_up` is set when every record that was on the topic at the start was handed over
(or a newer record of its key, after compaction). While the log is unreachable, the follower waits.
What can go wrong: records may be handed over twice after a failure, and the log may hold an older
value of a key behind a newer one (a delayed retry of the writer). So the receiver must keep the
record with the greatest revision of each entity.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import structlog

from shared.clock import Clock
from shared.errors import OffsetGone, Transient
from shared.log.port import EventLog, Reader, StoredRecord
from shared.log.topics import Topic

RECORDS_MAX: Final = 5_000
WAIT_MS: Final = 500
BACK_OFF_SECONDS: Final = 1.0
# The last offset below an end may be a hole (a marker, a compacted record). The position then never
# reaches the end, but two empty fetches of a log that answers prove that nothing is left.
EMPTY_FETCHES: Final = 2

logger = structlog.get_logger(__name__)

Receiver = Callable[[Sequence[StoredRecord]], None]


class Follower:
    """Reads all partitions of one topic and passes every batch to `receive`."""

    def __init__(
        self,
        log: EventLog,
        topic: Topic,
        receive: Receiver,
        clock: Clock,
        *,
        start: Mapping[int, int] | None = None,
    ) -> None:
        """`start` gives the offsets to read next, by partition, as a snapshot has stored them."""
        self.positions: dict[int, int] = dict(start or {})
        self.caught_up = asyncio.Event()
        self._log = log
        self._topic = topic
        self._receive = receive
        self._clock = clock

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            try:
                await self._follow()
            except Transient as problem:
                logger.warning("follow.retry", topic=self._topic.name, problem=str(problem))
            except OffsetGone as gone:
                logger.warning("follow.restart", topic=self._topic.name, problem=str(gone))
                self.positions.clear()
            await self._clock.sleep(BACK_OFF_SECONDS)

    async def _follow(self) -> None:
        reader = await self._log.reader(self._topic, group=None)
        try:
            ends = await self._log.end_offsets(self._topic)
            await self._seek(reader, ends)
            empty_fetches = 0
            while True:
                records = await reader.fetch(records_max=RECORDS_MAX, wait_ms=WAIT_MS)
                empty_fetches = 0 if records else empty_fetches + 1
                if records:
                    self._receive(records)
                    self.positions[records[0].partition] = records[-1].next_offset
                if empty_fetches >= EMPTY_FETCHES or self._reached(ends):
                    self.caught_up.set()
        finally:
            await reader.close()

    async def _seek(self, reader: Reader, ends: Mapping[int, int]) -> None:
        low = await self._log.low_offsets(self._topic)
        for partition in sorted(await reader.assignment()):
            position = self.positions.get(partition, low[partition])
            if position > ends[partition]:
                # The log was created again after the snapshot was written, so all of it is unread.
                position = low[partition]
            self.positions[partition] = position
            await reader.seek(partition, position)

    def _reached(self, ends: Mapping[int, int]) -> bool:
        return all(self.positions.get(partition, 0) >= end for partition, end in ends.items())
