"""Divide a batch that fails until the record that causes the fault is alone, and set it aside.

Promise: every record is handled in order, either in its part or alone as a refusal with its event
id. A batch that times out is tried twice before it is divided.
What can go wrong: no `Transient` but `TimedOut` divides a batch. When database or log are away, the
exception goes to the consumer loop, which reads again from the stored offset. A record is set aside
only by a transaction that succeeds.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from services.attribution.pipeline.record_faults import SET_ASIDE
from services.attribution.pipeline.record_sorting import Refusal, set_aside
from shared.errors import TimedOut
from shared.log.port import StoredRecord

Found = TypeVar("Found")

# A time-out is paid once on each level: 3 levels find one of 10,000 records.
PARTS: Final = 32


@dataclass(slots=True)
class Division(Generic[Found]):
    """The division of the batches of one topic.

    `transact` handles records of one partition in one transaction, from an expected offset, with
    what was decoded of each.
    """

    transact: Callable[
        [int, int, Sequence[StoredRecord], Sequence[Found | Refusal]], Awaitable[None]
    ]
    # Partition to the offset of the batch that timed out there last.
    _timed_out: dict[int, int] = field(default_factory=dict)

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
        except SET_ASIDE as fault:
            is_first = self._timed_out.get(partition) != expected_offset
            if isinstance(fault, TimedOut) and is_first:
                self._timed_out[partition] = expected_offset
                raise
            await self._divide(partition, expected_offset, records, found, fault)
        self._timed_out.pop(partition, None)

    async def _divide(
        self,
        partition: int,
        expected_offset: int,
        records: Sequence[StoredRecord],
        found: Sequence[Found | Refusal],
        fault: Exception,
    ) -> None:
        """Handle a batch that fails as a whole in parts, or set its only record aside."""
        if len(records) == 1:
            refusal = set_aside(records[0], found[0], fault)
            await self.transact(partition, expected_offset, records, [refusal])
            return
        size = -(-len(records) // PARTS)
        for start in range(0, len(records), size):
            part, part_found = records[start : start + size], found[start : start + size]
            try:
                await self.transact(partition, expected_offset, part, part_found)
            except SET_ASIDE as problem:
                await self._divide(partition, expected_offset, part, part_found, problem)
            expected_offset = part[-1].next_offset
