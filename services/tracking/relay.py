"""The relay: moves journal groups, in order, to the log, and forgets them when the log has them.

Promise: nothing is forgotten before `append` returned, so a crash or an outage sends again and never loses; journals of dead
processes go first. It gives way to requests: it pauses between batches, longer while the event loop is late.
What can go wrong: a log that is away is asked again for ever, at most every 5 s; a damaged group is skipped and counted.
"""

import asyncio
from collections.abc import Sequence
from typing import Final, NamedTuple

from services.tracking.store.journal import Journal
from services.tracking.store.journal_file import Group, JournalFile
from shared.clock import Clock
from shared.concurrency import gather_both, yield_control
from shared.errors import LaurelError
from shared.events import EventRejected, key_and_headers
from shared.log.port import EventLog, Record
from shared.log.topics import EVENTS
from shared.telemetry import Metric, Telemetry, get_logger

# One batch: at 600 B an event this is about 800 events, some milliseconds of work between two pauses.
BATCH_BYTES: Final = 512 * 1024
# Lets a group or two gather, so that batches are larger than one event; far below the second in which events are due.
PAUSE_SECONDS: Final = 0.02
# While events stream in, a longer one: a batch costs a thread's turn and a request to the log however small it is.
STREAM_PAUSE_SECONDS: Final = 0.1
STREAM_RECORDS: Final = 10
# So many turns of an idle loop take a quarter of a millisecond. When they take two, requests are served in each, and others queue: wait
# longer, up to a tenth of a second.
TURNS: Final = 16
LATE_SECONDS: Final = 0.002
YIELD_SECONDS: Final = 0.1
# The more waits for the relay, the less it gives way, so that a load without an end finds a balance. A core that does nothing but redirect
# records this much in five seconds: 32,000 clicks a second of 420 bytes.
BURST_BYTES: Final = 64 * 1024 * 1024
# The waits while the log is away.
BACK_OFF_SECONDS: Final = 0.1
BACK_OFF_SECONDS_MAX: Final = 5.0

_log = get_logger(__name__)


class _Ahead(NamedTuple):
    """Groups that were read before their turn: those of a file after a row."""

    file: JournalFile
    after_row: int
    groups: Sequence[Group]


class Relay:
    """The one mover of a process's journal."""

    def __init__(self, journal: Journal, log: EventLog, clock: Clock, telemetry: Telemetry) -> None:
        self._journal = journal
        self._log = log
        self._clock = clock
        self._telemetry = telemetry
        self._moved_last = 0
        self._ahead: _Ahead | None = None

    async def run(self) -> None:
        """Move for ever."""
        while True:
            self._journal.written.clear()
            await self.drain()
            await self._journal.written.wait()
            await self._give_way()

    async def drain(self) -> None:
        """Move everything that stands in the journal now, backlog first."""
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
        """Move the next groups of a file; False when there are none."""
        groups = await self._next_groups(file)
        if not groups:
            return False
        records = self._records(groups)
        self._moved_last = len(records)
        if records:
            await gather_both(self._append(records), self._read_ahead(file, groups[-1].row))
            self._telemetry.count(Metric.RELAYED, len(records), topic=EVENTS.name)
        file.relayed_through = groups[-1].row
        self._journal.relayed(file, groups)
        return True

    async def _next_groups(self, file: JournalFile) -> Sequence[Group]:
        ahead, self._ahead = self._ahead, None
        if ahead is not None and ahead.file is file and ahead.after_row == file.relayed_through:
            return ahead.groups
        return await self._read(file, file.relayed_through)

    async def _read_ahead(self, file: JournalFile, after_row: int) -> None:
        """While a batch is on its way, read the next one, if a whole one waits: a thread's turn is long on a busy loop."""
        if self._is_behind:
            self._ahead = _Ahead(file, after_row, await self._read(file, after_row))

    async def _read(self, file: JournalFile, after_row: int) -> Sequence[Group]:
        return await asyncio.to_thread(file.read, after=after_row, bytes_max=BATCH_BYTES)

    @property
    def _is_behind(self) -> bool:
        return self._journal.bytes_waiting > 2 * BATCH_BYTES

    def _records(self, groups: Sequence[Group]) -> list[Record]:
        records: list[Record] = []
        for group in groups:
            if group.is_damaged:
                _log.error("journal_group_damaged", row=group.row)
                self._telemetry.count(Metric.JOURNAL_GROUPS, outcome="damaged")
            for frame in group.frames:
                try:
                    key, headers = key_and_headers(frame)
                except EventRejected as error:
                    # Attribution judges it as well, and keeps it as a dead letter with its reason.
                    _log.error("journal_frame_strange", row=group.row, reason=str(error))
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
                # Also what the log calls permanent: an operator may raise its limits, and giving up would lose events.
                _log.warning("relay_waits", records=len(records), reason=str(error))
            await self._clock.sleep(wait_seconds)
            wait_seconds = min(BACK_OFF_SECONDS_MAX, wait_seconds * 2)

    async def _give_way(self) -> None:
        is_full = self._journal.bytes_waiting > BATCH_BYTES
        is_stream = self._moved_last >= STREAM_RECORDS and not is_full
        room = max(0.0, 1 - self._journal.bytes_waiting / BURST_BYTES)
        await self._clock.sleep(room * (STREAM_PAUSE_SECONDS if is_stream else PAUSE_SECONDS))
        began = self._clock.monotonic()
        for _ in range(TURNS):
            await yield_control()
            if self._clock.monotonic() - began >= LATE_SECONDS:
                await self._clock.sleep(room * YIELD_SECONDS)
                break
