"""The partition of a key: one function for all three adapters, and the split of a batch by it.

Promise: one key gives the same partition for ever, in every adapter, process and version.
What can go wrong: more partitions would move the keys of a topic; so the number in `topics.py`
never changes.
"""

from collections.abc import Sequence
from zlib import crc32

from shared.log.port import Record


def partition_of(key: bytes, partitions: int) -> int:
    """Return the partition by CRC-32 of the key, like librdkafka's `consistent` partitioner."""
    return crc32(key) % partitions


def by_partition(records: Sequence[Record], partitions: int) -> dict[int, list[Record]]:
    """Split a batch by partition. The order inside a partition is kept; partitions ascend."""
    split: dict[int, list[Record]] = {}
    for record in records:
        split.setdefault(partition_of(record.key, partitions), []).append(record)
    return dict(sorted(split.items()))
