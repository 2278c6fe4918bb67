"""Send the events of an import to tracking, in batches, as fast as it takes them.

Promise: a batch has at most 500 events and less than half of what a body may have. A batch that
tracking has no room for is sent again after the time that tracking names.
What can go wrong: `Refused` when tracking has no room for long, or does not accept the key;
`Unreachable` when it does not answer. What was sent before is stored, and sent again it is known.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeVar

from services.cli.profile import Api, Refused
from services.tracking.wire.event_batch import EVENTS_MAX
from shared.clock import Clock

BATCH_BYTES_MAX: Final = 512 * 1024
# A quota begins again after a minute at the latest.
ATTEMPTS_MAX: Final = 5

Event = Mapping[str, Any]
Sent = TypeVar("Sent")


def batches(items: Iterable[tuple[Event, Sent]]) -> Iterator[list[tuple[Event, Sent]]]:
    """Divide events, each with what it came from, into batches that a body may hold."""
    batch: list[tuple[Event, Sent]] = []
    weight = 0
    for item in items:
        size = len(json.dumps(item[0]))
        if batch and (len(batch) == EVENTS_MAX or weight + size > BATCH_BYTES_MAX):
            yield batch
            batch, weight = [], 0
        batch.append(item)
        weight += size
    if batch:
        yield batch


async def send_batch(
    api: Api, clock: Clock, events: Sequence[Event], path: str = "/v1/events"
) -> list[dict[str, Any]]:
    """Send one batch; return the events that tracking rejects: their index and errors."""
    attempt = 1
    while True:
        try:
            answer = await api.call("POST", "tracking", path, json=list(events))
        except Refused as error:
            if error.retry_after_seconds is None or attempt == ATTEMPTS_MAX:
                raise
            await clock.sleep(error.retry_after_seconds)
            attempt += 1
        else:
            rejected: list[dict[str, Any]] = answer["rejected"]
            return rejected
