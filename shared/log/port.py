"""What a log is: the words, the types and the promises that all three adapters keep.

Words. An *offset* is the next to read, never the last read. The *low mark* of a partition is the oldest offset still
kept, the *end* is the offset the next record will get. Offsets grow but need not be contiguous (Kafka has holes: compaction,
markers), so nobody counts by subtraction.

Promises of every adapter (`tests/contract/log/` holds all of them to these):
- `append` returns only when the records are as durable as the adapter can make them; it raises `Transient` after its
  deadline, and then the records may still arrive: readers tolerate duplicates.
- Records with one key land in one partition, in the order of `append` calls by one appender.
- An offset becomes visible only after all smaller offsets of its partition are visible.
- A reader below the low mark gets `OffsetGone`, never a silent jump.
- Compaction keeps at least the newest value of each key, and never changes offsets.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from shared.log.topics import Topic


class Record(msgspec.Struct, frozen=True):
    """A record to append. `headers` are the CloudEvents attributes, ASCII names to UTF-8 bytes."""

    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...] = ()


class StoredRecord(msgspec.Struct, frozen=True):
    """A record as read. `appended_at_ms` is the log's own time, for lag in seconds."""

    topic: str
    partition: int
    offset: int
    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...]
    appended_at_ms: int

    @property
    def next_offset(self) -> int:
        """The offset to store once this record's effects are."""
        return self.offset + 1


class Reader(Protocol):
    """One consumer's view of one topic. Not safe for concurrent calls.

    A reader with a group shares the partitions with the group's other readers and owns a changing set; one
    without a group reads all partitions. It never stores offsets anywhere: the caller does, in the transaction of the effects.
    """

    async def assignment(self) -> frozenset[int]:
        """The partitions owned now; may be empty while a rebalance runs. A partition that is new here since the last
        call has no position yet: `seek` it before the next `fetch`, or it is not read."""
        ...

    async def seek(self, partition: int, offset: int) -> None:
        """Read `partition` from `offset` on. `offset` 0 on a log whose low mark is higher is `OffsetGone` at fetch;
        a new consumer starts from `EventLog.low_offsets`."""
        ...

    async def fetch(self, *, records_max: int, wait_ms: int) -> Sequence[StoredRecord]:
        """The next records of **one** partition, in order, at most `records_max`; empty after `wait_ms` without any.
        Partitions take turns. Raises `OffsetGone`, or `Transient` when the log cannot be reached."""
        ...

    async def close(self) -> None:
        """Leave the group and free the sockets, within 5 s whatever the log does."""
        ...


class EventLog(Protocol):
    """A log. Safe for concurrent `append`s; each reader belongs to one task."""

    async def open(self) -> None:
        """Connect. Succeeds also while the log is away where the adapter can (Kafka connects in the background)."""
        ...

    async def close(self) -> None:
        """Free everything within 5 s, also when the log hangs."""
        ...

    async def ensure_topics(self, topics: Sequence[Topic]) -> None:
        """Create what is missing. Safe to run again and by two processes at once."""
        ...

    async def append(self, topic: Topic, records: Sequence[Record]) -> None:
        """Append a batch in order; all or, after `Transient`, an unknown prefix of each partition."""
        ...

    async def low_offsets(self, topic: Topic) -> Mapping[int, int]:
        """Partition to low mark, for every partition of the topic."""
        ...

    async def end_offsets(self, topic: Topic) -> Mapping[int, int]:
        """Partition to end, for every partition of the topic."""
        ...

    async def reader(self, topic: Topic, *, group: str | None) -> Reader:
        """A new reader. `group` None reads all partitions alone."""
        ...
