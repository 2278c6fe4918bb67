"""The watchdog of a consumer loop: how far it is behind, and the end of a process that stalls.

Promise: a loop is stalled only when the log and the database answer, records wait in a partition
that the loop owns, and no batch ended for the whole time. An outage of the log or the database is
no stall: the loop waits until it ends.
What can go wrong: code that blocks the event loop also blocks this watchdog. The liveness probe of
the process covers that case.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from shared.clock import Clock
from shared.errors import Permanent, Transient
from shared.log.loop import ConsumerLoop, Progress
from shared.log.port import EventLog
from shared.log.topics import Topic

# A batch takes 0.25 s, a rebalance or fail-over less than 20 s; three times that is a stall.
STALL_SECONDS: Final = 60.0
LOOK_EVERY_SECONDS: Final = 5.0


class Stalled(Permanent):
    """A consumer loop makes no progress although log and database answer; the process must end."""


@dataclass(frozen=True, slots=True)
class Lag:
    """How far one partition is behind."""

    records: int
    """An upper bound, because compaction and markers leave holes in the offsets."""
    seconds: float
    """Age of the last record handled, or of the loop before the first; 0 when nothing waits."""


async def measure_lag(
    log: EventLog, topic: Topic, progress: Progress, clock: Clock
) -> Mapping[int, Lag]:
    """Return the lag of each owned partition; `Transient` when the log does not answer."""
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
    """Watch `loop` and raise `Stalled` when it stalls. Run both in one task group."""
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
                f"{loop.topic.name}: records wait, the log and the database answer, and no batch "
                f"ended in {stall_seconds:.0f} s "
                f"(last failure: {loop.progress.last_failure or 'none'})"
            )


async def _records_wait(log: EventLog, loop: ConsumerLoop, clock: Clock) -> bool:
    try:
        lags = await measure_lag(log, loop.topic, loop.progress, clock)
    except Transient:
        return False
    return any(lag.records for lag in lags.values())
