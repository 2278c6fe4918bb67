"""The journal of this process: events wait here, in order and fsynced, until the relay has moved them to the log.

Promise: `put` returns after the fsync of its frames; `offer` never waits, and its frame is fsynced within 5 ms while
the disk is well. One thread writes, one statement a group, so the event loop never touches the disk.
What can go wrong: the disk refuses, or the budget is used up: `put` raises `Transient`, `offer` answers False, and a new
file is tried every 5 s. A failed write is never tried again on the same file.
"""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from services.tracking.store.journal_file import Group, JournalFile
from services.tracking.store.journal_slots import Slot, adopt_slots, take_slot
from shared.clock import Clock
from shared.errors import Transient
from shared.telemetry import Metric, Telemetry, get_logger

# A click may be lost with the last group; 5 ms is a hundredth of what a person notices and still groups hundreds.
GROUP_WAIT_SECONDS: Final = 0.005
# While requests keep coming, the next group gathers this long: a group costs the loop a quarter of a millisecond, whatever it holds.
GROUP_PAUSE_SECONDS: Final = 0.003
# 4 hours of an absent log (Shopify's whole retry span) at the rated load of one process:
# 250 events/s × 600 B × 14,400 s = 2.16 GB.
RATED_EVENTS_A_SECOND: Final = 250
EVENT_BYTES: Final = 600
OUTAGE_SECONDS: Final = 4 * 60 * 60
BYTES_MAX: Final = RATED_EVENTS_A_SECOND * EVENT_BYTES * OUTAGE_SECONDS
# Frames that wait in memory for a slow disk: at 600 B this is 12 MB; beyond it a disk hangs rather than lags.
FRAMES_WAITING_MAX: Final = 20_000
# Requests that wait for their fsync. A group takes about a millisecond; 256 callers wait a few of them.
WAITERS_MAX: Final = 256
# How soon a new file is tried after one has ended (DESIGN 9).
REOPEN_SECONDS: Final = 5.0
# Relayed groups are deleted in the background at most this often: each deletion is an fsync of its own.
FORGET_SECONDS: Final = 1.0

# A file this large is left behind when it is nearly empty; in quiet times a file stays far below.
ROTATE_BYTES: Final = 64 * 1024 * 1024
BYTES_LEFT_MAX: Final = 1024 * 1024

_log = get_logger(__name__)


@dataclass(slots=True)
class _Job:
    """What the writer thread does next: write a group, then forget what was relayed."""

    file: JournalFile
    frames: list[bytes]
    waiters: list["asyncio.Future[None]"]
    forget_row: int = 0
    size_bytes: int = field(default=0)


class Journal:
    """The journal of one process. All methods belong to the event loop that called `open`."""

    def __init__(
        self, root: Path, clock: Clock, telemetry: Telemetry, *, bytes_max: int = BYTES_MAX
    ) -> None:
        self.backlog: list[JournalFile] = []
        self.current: JournalFile | None = None
        self.written = asyncio.Event()
        self.bytes_waiting = 0
        self.records_waiting = 0
        self.trouble = "starting"
        self._root = root
        self._clock = clock
        self._telemetry = telemetry
        self._bytes_max = bytes_max
        self._slot: Slot | None = None
        self._adopted: dict[JournalFile, Slot] = {}
        self._frames: list[bytes] = []
        self._waiters: list[asyncio.Future[None]] = []
        self._timer: asyncio.Handle | None = None
        self._is_writing = False
        self._is_due = False
        self._forget_row = 0
        self._is_forgetting = False
        self._forget_timer: asyncio.TimerHandle | None = None
        self._ended = asyncio.Event()
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    # -- life ----------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Adopt what dead processes left, then take a slot of our own. A disk that refuses does not stop the start."""
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._write_jobs, name="journal", daemon=True)
        self._thread.start()
        await self.adopt_orphans()
        await self._try_new_file()

    async def adopt_orphans(self) -> None:
        """Take over the journals of processes that are gone; also while running, for a sibling that nobody restarts."""
        try:
            for slot in await asyncio.to_thread(adopt_slots, self._root):
                await self._adopt(slot)
        except OSError as error:
            _log.error("journal_not_adopted", reason=str(error))

    async def rotate(self) -> None:
        """Leave a file that an outage has made large, once nearly all of it is on the log: SQLite gives no space back."""
        large = self.current
        if large is None or self.trouble or self.bytes_waiting > BYTES_LEFT_MAX:
            return
        if await asyncio.to_thread(large.disk_bytes) < ROTATE_BYTES:
            return
        try:
            fresh = await asyncio.to_thread(self._new_file)
        except (sqlite3.Error, OSError) as error:
            _log.error("journal_not_rotated", reason=str(error))
            return
        while self._is_writing:
            await self._clock.sleep(GROUP_WAIT_SECONDS)
        if self.current is large:
            self.backlog.append(large)
            self.current = fresh
            self._forget_row, self._is_forgetting = 0, False
            self.written.set()

    async def reopen(self) -> None:
        """Try a new file every 5 s whenever one has ended; runs for ever."""
        while True:
            await self._ended.wait()
            await self._clock.sleep(REOPEN_SECONDS)
            await self._try_new_file()

    async def close(self) -> None:
        """Write what waits and stop. An empty journal leaves nothing behind; another is adopted by the next process."""
        self.trouble = self.trouble or "closing"
        self._flush()
        while self._is_writing:
            await self._clock.sleep(GROUP_WAIT_SECONDS)
            self._flush()
        if self._forget_timer is not None:
            self._forget_timer.cancel()
        current, self.current = self.current, None
        self._jobs.put(None)
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)
        if current is not None:
            self.backlog.append(current)
        await asyncio.to_thread(self._leave)

    def _leave(self) -> None:
        for file in self.backlog:
            if file.is_spent():
                file.remove()
            else:
                file.close()
        for slot in {id(slot): slot for slot in (self._slot, *self._adopted.values())}.values():
            if slot is not None:
                slot.release() if slot.files() else slot.remove()

    # -- writing -------------------------------------------------------------------------------------------

    def offer(self, frame: bytes) -> bool:
        """Take a frame without waiting: True when it joined the next group."""
        if self.trouble or len(self._frames) >= FRAMES_WAITING_MAX:
            return False
        self._frames.append(frame)
        if self._timer is None and not self._is_writing:
            assert self._loop is not None
            self._timer = self._loop.call_later(GROUP_WAIT_SECONDS, self._flush)
        return True

    async def put(self, frames: Sequence[bytes]) -> None:
        """Write frames and wait for their fsync. Raises `Transient` when they are not durable."""
        if self.trouble:
            raise Transient(f"the journal takes nothing: {self.trouble}")
        if len(self._waiters) >= WAITERS_MAX or len(self._frames) >= FRAMES_WAITING_MAX:
            raise Transient("too many requests wait for the disk")
        assert self._loop is not None
        waiter: asyncio.Future[None] = self._loop.create_future()
        self._frames.extend(frames)
        self._waiters.append(waiter)
        if not self._is_due and not self._is_writing:
            # Not at once: requests that came in the same turn of the loop share this fsync.
            self._cancel_timer()
            self._timer = self._loop.call_soon(self._flush)
        self._is_due = True
        await waiter

    def relayed(self, file: JournalFile, groups: Sequence[Group]) -> None:
        """A file's groups are on the log; those of the current file are deleted now and then."""
        self.records_waiting = max(0, self.records_waiting - sum(len(g.frames) for g in groups))
        self._count_waiting(-sum(group.size_bytes for group in groups))
        if file is not self.current or self._loop is None:
            return
        self._forget_row = groups[-1].row
        if self._forget_timer is None:
            self._forget_timer = self._loop.call_later(FORGET_SECONDS, self._forget)

    def _forget(self) -> None:
        self._forget_timer = None
        self._is_forgetting = True
        if self._timer is None:
            self._flush()

    def _flush(self) -> None:
        self._cancel_timer()
        if self._is_writing or self.current is None:
            return
        forget_row = self._forget_row if self._is_forgetting else 0
        if not self._frames and not forget_row:
            return
        job = _Job(self.current, self._frames, self._waiters, forget_row)
        self._frames, self._waiters, self._is_due, self._is_forgetting = [], [], False, False
        self._is_writing = True
        self._jobs.put(job)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _write_jobs(self) -> None:
        """The writer thread."""
        assert self._loop is not None
        while (job := self._jobs.get()) is not None:
            error: Exception | None = None
            try:
                if job.frames:
                    job.size_bytes = job.file.write(job.frames)
                    self._loop.call_soon_threadsafe(self._wrote, job)
                if job.forget_row:
                    job.file.forget_through(job.forget_row)
            except (sqlite3.Error, OSError) as problem:
                error = problem
            self._loop.call_soon_threadsafe(self._done, job, error)

    def _wrote(self, job: _Job) -> None:
        for waiter in job.waiters:
            if not waiter.done():
                waiter.set_result(None)
        self._telemetry.count(Metric.JOURNAL_GROUPS, outcome="written")
        self.records_waiting += len(job.frames)
        self._count_waiting(job.size_bytes)
        self.written.set()

    def _done(self, job: _Job, error: Exception | None) -> None:
        self._is_writing = False
        if error is not None:
            self._end(job, error)
        elif self._is_due or self._is_forgetting:
            assert self._loop is not None
            self._timer = self._loop.call_later(GROUP_PAUSE_SECONDS, self._flush)
        elif self._frames:
            assert self._loop is not None
            self._timer = self._loop.call_later(GROUP_WAIT_SECONDS, self._flush)

    # -- endings and beginnings ----------------------------------------------------------------------------

    def _end(self, job: _Job, error: Exception) -> None:
        """The file is over: whoever waits is told, and what it holds is relayed like a dead process's."""
        _log.error("journal_file_ended", file=job.file.path.name, reason=str(error))
        self._telemetry.count(Metric.JOURNAL_GROUPS, outcome="failed")
        lost = len(job.frames) if not job.size_bytes else 0
        lost += len(self._frames)
        if lost:
            self._telemetry.count(Metric.JOURNAL_GROUPS, lost, outcome="events_refused")
        for waiter in (*job.waiters, *self._waiters):
            if not waiter.done():
                waiter.set_exception(Transient("the journal could not be written"))
        self._frames, self._waiters, self._is_due = [], [], False
        self._forget_row, self._is_forgetting = 0, False
        self._cancel_timer()
        if self.current is not None:
            self.backlog.append(self.current)
        self.current = None
        self.trouble = "the journal could not be written; a new file is tried"
        self._ended.set()
        self.written.set()

    async def _try_new_file(self) -> None:
        try:
            self.current = await asyncio.to_thread(self._new_file)
        except (sqlite3.Error, OSError) as error:
            _log.error("journal_unavailable", reason=str(error))
            self.trouble = f"no journal file can be made: {error}"
            self._ended.set()
            return
        self.trouble = ""
        self._ended.clear()
        self._count_waiting(0)

    def _new_file(self) -> JournalFile:
        if self._slot is None or not self._slot.folder.is_dir():
            self._slot = take_slot(self._root)
        file = JournalFile(self._slot.next_file())
        file.open_writer()
        return file

    async def _adopt(self, slot: Slot) -> None:
        paths = slot.files()
        if not paths:
            slot.remove()
            return
        for path in paths:
            file = JournalFile(path)
            self.backlog.append(file)
            self._adopted[file] = slot
            self._count_waiting(await asyncio.to_thread(file.size_bytes))
        self.written.set()
        _log.info("journal_adopted", slot=slot.folder.name, files=len(paths))

    def retire(self, file: JournalFile) -> None:
        """A file of the backlog was relayed whole: remove it, and its slot after the last one."""
        self.backlog.remove(file)
        if file.is_spent():
            file.remove()
        else:
            _log.error("journal_file_damaged", file=str(file.path))
            file.close()
            file.path.rename(file.path.with_suffix(".damaged"))
        slot = self._adopted.pop(file, None)
        if slot is not None and not slot.files():
            slot.remove()

    def _count_waiting(self, change_bytes: int) -> None:
        self.bytes_waiting = max(0, self.bytes_waiting + change_bytes)
        over = f"the disk budget of {self._bytes_max} bytes is used up"
        if self.bytes_waiting >= self._bytes_max and not self.trouble:
            self.trouble = over
            _log.error("journal_over_budget", bytes=self.bytes_waiting)
        elif self.trouble == over and self.bytes_waiting < self._bytes_max:
            self.trouble = ""
