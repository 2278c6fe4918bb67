"""Progress or die: how far a consumer loop is behind, and the end of a process whose loop stands still.

Promise: a loop is called stalled only when the log answers, the database answers, records wait in a partition that the
loop owns, and yet no batch ended for the whole time. An outage of either is not a stall: the loop waits for its end.
What can go wrong: a loop that blocks the event loop itself also blocks its watchdog; the liveness probe of the process is
the answer to that.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from shared.clock import Clock
from shared.errors import Permanent, Transient
from shared.log.loop import ConsumerLoop, Progress
from shared.log.port import EventLog
from shared.log.topics import Topic

# A batch takes a quarter of a second; a rebalance or fail-over less than 20 s. Sixty is neither.
STALL_SECONDS: Final = 60.0
LOOK_EVERY_SECONDS: Final = 5.0


class Stalled(Permanent):
    """A consumer loop stands still although everything it needs answers: end the process, a fresh one goes on."""


@dataclass(frozen=True, slots=True)
class Lag:
    """How far one partition is behind."""

    records: int
    """Upper bound: compaction and markers leave holes in offsets."""
    seconds: float
    """Age of the last record handled (before the first: of the loop); 0 when nothing waits."""


async def measure_lag(
    log: EventLog, topic: Topic, progress: Progress, clock: Clock
) -> Mapping[int, Lag]:
    """The lag of each partition that the loop owns now. Raises `Transient` when the log does not answer."""
    ends = await log.end_offsets(topic)
    now = clock.now()
    lags: dict[int, Lag] = {}
    for partition, position in sorted(progress.positions.items()):
        behind = max(0, ends[partition] - position)
        applied_at_ms = progress.applied_at_ms.get(partition)
        since = now.timestamp() - (
            progress.started_at.timestamp() if applied_at_ms is None else applied_at_ms / 1000
        )
        lags[partition] = Lag(behind, max(0.0, since) if behind else 0.0)
    return lags


async def progress_or_die(
    log: EventLog,
    loop: ConsumerLoop,
    database_answers: Callable[[], Awaitable[bool]],
    clock: Clock,
    *,
    stall_seconds: float = STALL_SECONDS,
    look_every_seconds: float = LOOK_EVERY_SECONDS,
) -> None:
    """Watch `loop` for ever; raise `Stalled` when it stands still. Run it beside the loop in one task group."""
    batches = loop.progress.batches
    moved_at = clock.monotonic()
    while True:
        await clock.sleep(look_every_seconds)
        waiting = await _records_wait(log, loop, clock) and await database_answers()
        if loop.progress.batches != batches or not waiting:
            batches = loop.progress.batches
            moved_at = clock.monotonic()
        elif clock.monotonic() - moved_at >= stall_seconds:
            raise Stalled(
                f"{loop.topic.name}: records wait, the log and the database answer, and no batch ended in "
                f"{stall_seconds:.0f} s (last failure: {loop.progress.last_failure or 'none'})"
            )


async def _records_wait(log: EventLog, loop: ConsumerLoop, clock: Clock) -> bool:
    try:
        lags = await measure_lag(log, loop.topic, loop.progress, clock)
    except Transient:
        return False
    return any(lag.records for lag in lags.values())
