"""A batch handler that stores effects and offsets in memory, together or not at all."""

import asyncio
from collections.abc import Mapping, Sequence

from typing_extensions import override

from shared.concurrency import map_in_slices
from shared.errors import OffsetMoved, Transient
from shared.log.loop import BatchHandler
from shared.log.port import StoredRecord


class MemoryHandler(BatchHandler[Sequence[StoredRecord]]):
    """The stored state of one group. Several loops may share it, as processes share a database."""

    def __init__(self) -> None:
        self.offsets: dict[int, int] = {}
        self.effects: list[StoredRecord] = []
        self.attempts = 0
        self.fail_attempts: set[int] = set()
        self.is_away = False
        self.may_finish = asyncio.Event()
        self.may_finish.set()
        self.entered = asyncio.Event()

    @override
    async def stored_offsets(self) -> Mapping[int, int]:
        if self.is_away:
            raise Transient("the database is away")
        return dict(self.offsets)

    @override
    async def decode(self, records: Sequence[StoredRecord]) -> Sequence[StoredRecord]:
        return await map_in_slices(self.decoded, records)

    def decoded(self, record: StoredRecord) -> StoredRecord:
        """Return the decoded record, here the record itself."""
        return record

    @override
    async def handle(
        self,
        partition: int,
        expected_offset: int,
        records: Sequence[StoredRecord],
        decoded: Sequence[StoredRecord],
    ) -> None:
        assert list(decoded) == list(records)
        self.attempts += 1
        self.entered.set()
        await self.may_finish.wait()
        if self.is_away or self.attempts in self.fail_attempts:
            raise Transient("nothing was written")
        if self.offsets.get(partition, expected_offset) != expected_offset:
            raise OffsetMoved(f"{partition}: {self.offsets[partition]} is not {expected_offset}")
        self.offsets[partition] = records[-1].next_offset
        self.effects.extend(records)

    def values(self) -> list[str]:
        """Return the values of the stored records, in order."""
        return [record.value.decode() for record in self.effects]
