"""The interface of the event log: terms, types, and the promises that all three adapters keep.

Terms. An *offset* is the next record to read, never the last one read. The *low mark* of a
partition is the oldest offset that is still kept. The *end* is the offset that the next record
gets. Offsets grow but need not be contiguous (Kafka leaves holes after compaction and for
transaction markers), so a difference of two offsets is only an upper bound of a count.

Promises of every adapter (`tests/contract/log/` tests each adapter for them):
- `append` returns only when the records are as durable as the adapter can make them. After its
  deadline it raises `Transient`; the records may still arrive then, so readers accept duplicates.
- Records with one key go to one partition, in the order of the `append` calls of one appender.
- An offset becomes visible only after all smaller offsets of its partition are visible.
- A reader below the low mark gets `OffsetGone`. It never skips records silently.
- Compaction keeps at least the newest value of each key. It never changes offsets.
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
    """A record as read. `appended_at_ms` is the time at the log, for the lag in seconds."""

    topic: str
    partition: int
    offset: int
    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...]
    appended_at_ms: int

    @property
    def next_offset(self) -> int:
        """The offset to store together with the effects of this record."""
        return self.offset + 1


class Reader(Protocol):
    """One consumer's view of one topic. Not safe for concurrent calls.

    The readers of a group share the partitions; each owns a set that may change. A reader without
    a group reads all partitions. A reader never stores offsets. The caller stores them, in the
    transaction of the effects.
    """

    async def assignment(self) -> frozenset[int]:
        """Return the partitions owned now; the set may be empty during a rebalance.

        A partition that is new since the last call has no position. It is read only after `seek`.
        """
        ...

    async def seek(self, partition: int, offset: int) -> None:
        """Read `partition` from `offset` on; a new consumer starts from `EventLog.low_offsets`.

        An offset below the low mark makes the next `fetch` raise `OffsetGone`.
        """
        ...

    async def fetch(self, *, records_max: int, wait_ms: int) -> Sequence[StoredRecord]:
        """Return the next records of **one** partition, in order, at most `records_max`.

        The partitions are read in rotation. The result is empty when no record came within
        `wait_ms`. Raises `OffsetGone`, or `Transient` when the log cannot be reached.
        """
        ...

    async def close(self) -> None:
        """Leave the group and close the sockets, within 5 s even if the log hangs."""
        ...


class EventLog(Protocol):
    """An event log. `append` may be called concurrently; each reader is used by one task."""

    async def open(self) -> None:
        """Connect. An adapter may succeed without the log and connect later."""
        ...

    async def close(self) -> None:
        """Close all connections within 5 s, even if the log hangs."""
        ...

    async def ensure_topics(self, topics: Sequence[Topic]) -> None:
        """Create the missing topics. Safe to repeat, and safe in two processes at once."""
        ...

    async def append(self, topic: Topic, records: Sequence[Record]) -> None:
        """Append a batch in order; after `Transient` a prefix of each partition may be stored."""
        ...

    async def low_offsets(self, topic: Topic) -> Mapping[int, int]:
        """Return the low mark of every partition of the topic."""
        ...

    async def end_offsets(self, topic: Topic) -> Mapping[int, int]:
        """Return the end of every partition of the topic."""
        ...

    async def reader(self, topic: Topic, *, group: str | None) -> Reader:
        """Return a new reader. With `group` None it reads all partitions."""
        ...
