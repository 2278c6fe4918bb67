"""Divide a batch that fails until the record that causes the fault is alone, and set it aside.

Promise: every record is handled in order, either in a part of the batch or alone as a refusal with
its event id. A record is set aside only after it failed with the whole batch and then alone, so a
database that is slow for a moment sets nothing aside.
What can go wrong: no `Transient` but `TimedOut` divides a batch. When database or log are away, the
exception goes to the consumer loop, which reads again from the stored offset. A record is set aside
only by a transaction that succeeds.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from services.attribution.pipeline.record_faults import SET_ASIDE
from services.attribution.pipeline.record_sorting import Refusal, set_aside
from shared.log.port import StoredRecord

Found = TypeVar("Found")

# A time-out is paid once on each level: 3 levels find one of 10,000 records.
PARTS: Final = 32


@dataclass(frozen=True, slots=True)
class Division(Generic[Found]):
    """The division of the batches of one topic.

    `transact` handles records of one partition in one transaction, from an expected offset, with
    what was decoded of each; a statement of it may take `part_seconds` (None: the limit of the
    role).
    """

    transact: Callable[
        [int, int, Sequence[StoredRecord], Sequence[Found | Refusal], float | None],
        Awaitable[None],
    ]
    part_seconds: float | None

    async def handle(
        self,
        partition: int,
        expected_offset: int,
        records: Sequence[StoredRecord],
        found: Sequence[Found | Refusal],
        whole: Awaitable[None],
    ) -> None:
        """Await the transaction of the whole batch; if it fails, handle the batch in parts."""
        try:
            await whole
        except SET_ASIDE:
            await self._divide(partition, expected_offset, records, found)

    async def _divide(
        self,
        partition: int,
        expected_offset: int,
        records: Sequence[StoredRecord],
        found: Sequence[Found | Refusal],
    ) -> None:
        """Handle records in parts: a part that fails is divided, a single record is set aside."""
        size = -(-len(records) // PARTS)
        for start in range(0, len(records), size):
            part, part_found = records[start : start + size], found[start : start + size]
            try:
                await self._transact(partition, expected_offset, part, part_found)
            except SET_ASIDE as fault:
                if len(part) > 1:
                    await self._divide(partition, expected_offset, part, part_found)
                else:
                    refusal = set_aside(part[0], part_found[0], fault)
                    await self._transact(partition, expected_offset, part, [refusal])
            expected_offset = part[-1].next_offset

    async def _transact(
        self,
        partition: int,
        expected_offset: int,
        records: Sequence[StoredRecord],
        found: Sequence[Found | Refusal],
    ) -> None:
        await self.transact(partition, expected_offset, records, found, self.part_seconds)
