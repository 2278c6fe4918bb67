"""Batches of credits that a test hands to the fold itself, without a log.

Promise: they are records of a partition that the topic does not have. So a service that runs on the
same database keeps its stored offsets, which belong to the records of the real log.
"""

from collections.abc import Sequence
from typing import Final

from services.roi.pipeline.fold import CreditsFold
from shared.credits import AnyCredits, encode_credits
from shared.log.port import StoredRecord
from shared.log.topics import CREDITS
from tests.fixtures.batches import hand_over

HANDED_PARTITION: Final = CREDITS.partitions


async def fold(handler: CreditsFold, records: Sequence[AnyCredits]) -> None:
    """Handle one batch at the stored offset."""
    at = await handed(handler)
    await hand_over(handler, HANDED_PARTITION, at, stored(at, records))


async def handed(handler: CreditsFold) -> int:
    """Return the stored offset of the partition of handed batches."""
    return (await handler.stored_offsets()).get(HANDED_PARTITION, 0)


def stored(at: int, records: Sequence[AnyCredits]) -> list[StoredRecord]:
    """Return records as the log returns them, from an offset on."""
    keyed = [(record.workspace_id.encode(), encode_credits(record)) for record in records]
    return [
        StoredRecord(CREDITS.name, HANDED_PARTITION, at + place, key, value, (), 0)
        for place, (key, value) in enumerate(keyed)
    ]
