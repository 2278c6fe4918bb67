"""The function that computes the partition of a key."""

import pytest

from shared.log.partition import by_partition, partition_of
from shared.log.port import Record


@pytest.mark.parametrize(("key", "partition"), [(b"", 0), (b"a", 3), (b"123456789", 6)])
def test_it_never_changes(key: bytes, partition: int) -> None:
    # CRC-32 of "123456789" is its published check value, 0xCBF43926.
    assert partition_of(key, 8) == partition


def test_it_spreads() -> None:
    counts = [0] * 8
    for n in range(8_000):
        counts[partition_of(f"workspace-{n}".encode(), 8)] += 1
    assert min(counts) > 850


def test_splitting_keeps_order_and_everything() -> None:
    records = [Record(f"k{n % 5}".encode(), str(n).encode()) for n in range(50)]
    split = by_partition(records, 4)
    assert sorted(split) == list(split)
    assert sum(len(batch) for batch in split.values()) == 50
    for number, batch in split.items():
        assert all(partition_of(r.key, 4) == number for r in batch)
        assert [int(r.value) for r in batch] == sorted(int(r.value) for r in batch)
