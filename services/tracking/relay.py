"""The relay: append the groups of the journal to the log, in order, then delete them.

Promise: a group is deleted only after `append` returned. A crash or an outage causes repeated
records and never loses one. Journals of dead processes go first. Requests have priority: the relay
pauses between batches, and longer while the event loop is late.
What can go wrong: while the log is unreachable, the relay retries without end, at most every 5 s.
A damaged group is skipped and counted; `Journal.retire` names what is missing of a file.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

from services.tracking.store.journal import Journal
from services.tracking.store.journal_file import Group, JournalFile
from shared.clock import Clock
from shared.concurrency import gather_both, yield_control
from shared.errors import LaurelError
from shared.event_headers import key_and_headers, source_of
from shared.events import EventRejected
from shared.log.port import EventLog, Record
from shared.log.topics import EVENTS
from shared.telemetry import Metric, Telemetry, get_logger

# At 600 B an event, one batch has about 870 events: some milliseconds of work between pauses.
BATCH_BYTES: Final = 512 * 1024
# One or two groups gather in this time, so that batches are larger than one event. It is far below
# the second in which events must be on the log.
PAUSE_SECONDS: Final = 0.02
# A longer pause while many events arrive: even a small batch costs a thread switch and a request
# to the log.
STREAM_PAUSE_SECONDS: Final = 0.1
STREAM_RECORDS: Final = 10
# This many rounds of an idle event loop take 0.25 ms. When they take 2 ms, each round serves
# requests and others are queued. The relay then waits longer, up to 0.1 s.
LOOP_ROUNDS: Final = 16
LATE_SECONDS: Final = 0.002
YIELD_SECONDS: Final = 0.1
# The longer the journal, the shorter the pauses, so that a permanent load reaches a balance. At
# this length there is no pause. One core that only redirects writes it in 5 s:
# 32,000 clicks/s × 420 B × 5 s = 67 MB.
BURST_BYTES: Final = 64 * 1024 * 1024
# The waits between retries while the log is unreachable.
BACK_OFF_SECONDS: Final = 0.1
BACK_OFF_SECONDS_MAX: Final = 5.0

_log = get_logger(__name__)


class _ReadAhead(NamedTuple):
    """Groups that were read in advance: those of `file` after `after_row`."""

    file: JournalFile
    after_row: int
    groups: Sequence[Group]


class Relay:
    """Relays the journal of one process. There is one relay for each journal."""

    def __init__(self, journal: Journal, log: EventLog, clock: Clock, telemetry: Telemetry) -> None:
        self._journal = journal
        self._log = log
        self._clock = clock
        self._telemetry = telemetry
        self._records_in_last_batch = 0
        self._ahead: _ReadAhead | None = None

    async def run(self) -> None:
        """Relay until cancelled."""
        while True:
            self._journal.written.clear()
            await self.drain()
            await self._journal.written.wait()
            await self._give_way()

    async def drain(self) -> None:
        """Relay everything that is in the journal now, the backlog first."""
        for file in tuple(self._journal.backlog):
            while await self._move(file):
                await self._give_way()
            self._journal.retire(file)
        current = self._journal.current
        while (
            current is not None and current is self._journal.current and await self._move(current)
        ):
            await self._give_way()

    async def _move(self, file: JournalFile) -> bool:
        """Relay the next groups of a file; return False when there are none."""
        groups = await self._next_groups(file)
        if not groups:
            return False
        records = self._records(groups)
        self._records_in_last_batch = len(records)
        if records:
            await gather_both(self._append(records), self._read_ahead(file, groups[-1].row))
            self._telemetry.count(Metric.RELAYED, len(records), topic=EVENTS.name)
        sizes = Counter[bytes]()
        for record in records:
            sizes[record.key] += len(record.value)
            sizes[source_of(record.value)] += len(record.value)
        self._journal.relayed(file, groups, sizes)
        return True

    async def _next_groups(self, file: JournalFile) -> Sequence[Group]:
        ahead, self._ahead = self._ahead, None
        if ahead is not None and ahead.file is file and ahead.after_row == file.relayed_through:
            return ahead.groups
        return await self._read(file, file.relayed_through)

    async def _read_ahead(self, file: JournalFile, after_row: int) -> None:
        """Read the next batch while one is being appended, if a whole one is waiting.

        A thread switch takes long while the event loop is busy.
        """
        if self._is_behind:
            self._ahead = _ReadAhead(file, after_row, await self._read(file, after_row))

    async def _read(self, file: JournalFile, after_row: int) -> Sequence[Group]:
        return await asyncio.to_thread(file.read, after=after_row, bytes_max=BATCH_BYTES)

    @property
    def _is_behind(self) -> bool:
        return self._journal.bytes_waiting > 2 * BATCH_BYTES

    def _records(self, groups: Sequence[Group]) -> list[Record]:
        records: list[Record] = []
        damaged = [group.row for group in groups if group.is_damaged]
        if damaged:
            _log.error("journal_groups_damaged", first=damaged[0], groups=len(damaged))
        for group in groups:
            if group.is_damaged:
                self._telemetry.count(Metric.JOURNAL_GROUPS, outcome="damaged")
            for frame in group.frames:
                try:
                    key, headers = key_and_headers(frame)
                except EventRejected as error:
                    # Attribution stores it as a dead letter with the reason.
                    _log.error("journal_frame_not_an_event", row=group.row, reason=str(error))
                    records.append(Record(b"", frame))
                else:
                    records.append(Record(key, frame, headers))
        return records

    async def _append(self, records: Sequence[Record]) -> None:
        wait_seconds = BACK_OFF_SECONDS
        while True:
            try:
                return await self._log.append(EVENTS, records)
            except LaurelError as error:
                # Permanent errors are retried, too: an operator can raise the limits of the log,
                # and to drop the batch would lose events.
                _log.warning("relay_retries", records=len(records), reason=str(error))
            await self._clock.sleep(wait_seconds)
            wait_seconds = min(BACK_OFF_SECONDS_MAX, wait_seconds * 2)

    async def _give_way(self) -> None:
        is_full = self._journal.bytes_waiting > BATCH_BYTES
        is_stream = self._records_in_last_batch >= STREAM_RECORDS and not is_full
        pause_share = max(0.0, 1 - self._journal.bytes_waiting / BURST_BYTES)
        await self._clock.sleep(
            pause_share * (STREAM_PAUSE_SECONDS if is_stream else PAUSE_SECONDS)
        )
        began = self._clock.monotonic()
        for _ in range(LOOP_ROUNDS):
            await yield_control()
            if self._clock.monotonic() - began >= LATE_SECONDS:
                await self._clock.sleep(pause_share * YIELD_SECONDS)
                break
