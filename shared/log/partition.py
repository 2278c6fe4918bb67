"""Which partition a key belongs to: one function for all three adapters, and the splitting of a batch by it.

Promise: the same key gives the same partition for ever, in every adapter, process and version of Laurel.
What can go wrong: a topic that is given more partitions later would move its keys; topics never are (`topics.py`).
"""

from collections.abc import Sequence
from zlib import crc32

from shared.log.port import Record


def partition_of(key: bytes, partitions: int) -> int:
    """CRC-32 of the key, as librdkafka's `consistent` partitioner does: fast in C, and the same everywhere."""
    return crc32(key) % partitions


def by_partition(records: Sequence[Record], partitions: int) -> dict[int, list[Record]]:
    """Split a batch, keeping the order inside each partition; partitions come in ascending order."""
    split: dict[int, list[Record]] = {}
    for record in records:
        split.setdefault(partition_of(record.key, partitions), []).append(record)
    return dict(sorted(split.items()))
