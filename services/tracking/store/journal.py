"""The journal of one process: it stores encoded events (frames) on disk until the relay sends them.

Promise: `put` returns after the fsync of its frames. `offer` never waits, and its frame is fsynced
within about 5 ms while the disk is fast. One thread writes, with one statement for each group, so
the event loop never waits for the disk.
What can go wrong: the disk fails or the disk budget is used up. `put` then raises `Transient` and
`offer` returns False. A failed write is never repeated on the same file; a new file is tried every
5 s.
"""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from services.tracking.store.journal_file import Group, JournalFile
from services.tracking.store.journal_loss import Loss, write_loss
from services.tracking.store.journal_slots import Slot, adopt_slots, take_slot
from shared.clock import Clock
from shared.errors import Transient
from shared.event_headers import workspace_of
from shared.telemetry import Metric, Telemetry, get_logger

# A crash can lose the clicks of the last group. In 5 ms a busy process groups hundreds of clicks.
GROUP_WAIT_SECONDS: Final = 0.005
# While requests arrive without a pause, the next group gathers for this long, because each group
# costs the event loop 0.25 ms, whatever its size.
GROUP_PAUSE_SECONDS: Final = 0.003
# The default of the setting `journal_bytes` is 4.32 GB: 4 hours without the log (as long as Shopify
# retries) at the rated load of one process, 250 events/s × 600 B × 14,400 s = 2.16 GB, twice,
# because one workspace may hold one half.
# Frames that wait in memory for a slow disk: 20,000 × 600 B = 12 MB. With more, the disk hangs.
FRAMES_WAITING_MAX: Final = 20_000
# Requests that wait for their fsync. A group takes about 1 ms, so 256 callers wait a few ms.
WAITERS_MAX: Final = 256
# The time between the end of a file and the try of a new one.
REOPEN_SECONDS: Final = 5.0
# Relayed groups are deleted at most this often, because each deletion is an fsync.
FORGET_SECONDS: Final = 1.0

# A file larger than this is replaced once at most `BYTES_LEFT_MAX` of it are not relayed.
ROTATE_BYTES: Final = 64 * 1024 * 1024
BYTES_LEFT_MAX: Final = 1024 * 1024

_log = get_logger(__name__)


class ShareUsedUp(Transient):
    """One workspace has used up its share of the journal; others go on."""


@dataclass(slots=True)
class _Job:
    """One job of the writer thread: write a group, then delete the relayed groups."""

    file: JournalFile
    frames: list[bytes]
    waiters: list["asyncio.Future[None]"]
    forget_row: int = 0
    size_bytes: int = 0
    is_told: bool = False


class Journal:
    """The journal of one process. Call all methods on the event loop that called `open`.

    `current` is the file that is written, `backlog` the files that are only relayed. `trouble` says
    why the journal refuses events; it is empty while it accepts them.
    """

    def __init__(self, root: Path, clock: Clock, telemetry: Telemetry, *, bytes_max: int) -> None:
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
        # The bytes that each workspace has in memory and in the files of this process.
        self._held: dict[bytes, int] = {}
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

    # -- start and stop -------------------------------------------------------------------------

    async def open(self) -> None:
        """Adopt the slots of dead processes and take a new slot. Disk errors are only logged."""
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._write_jobs, name="journal", daemon=True)
        self._thread.start()
        await self.adopt_orphans()
        await self._try_new_file()

    async def adopt_orphans(self) -> None:
        """Adopt the journals of dead processes. Called again while the process runs."""
        try:
            for slot in await asyncio.to_thread(adopt_slots, self._root):
                await self._adopt(slot)
        except OSError as error:
            _log.error("journal_not_adopted", reason=str(error))

    async def rotate(self) -> None:
        """Replace a file that an outage made large, once nearly all of it is on the log.

        SQLite does not return free space to the disk.
        """
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
            large.is_ended = True
            self.backlog.append(large)
            self.current = fresh
            self._forget_row, self._is_forgetting = 0, False
            self.written.set()

    async def reopen(self) -> None:
        """Try a new file every 5 s after one has ended, until cancelled."""
        while True:
            await self._ended.wait()
            await self._clock.sleep(REOPEN_SECONDS)
            await self._try_new_file()

    async def close(self) -> None:
        """Write the waiting frames and stop. An empty journal is deleted; another stays on disk."""
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

    # -- writing --------------------------------------------------------------------------------

    def offer(self, frame: bytes) -> bool:
        """Add a frame to the next group without waiting; return False when it is refused."""
        if self.trouble or len(self._frames) >= FRAMES_WAITING_MAX:
            return False
        workspace = workspace_of(frame)
        held = self._held.get(workspace, 0) + len(frame)
        if held > self._bytes_max - self.bytes_waiting:
            return False
        self._held[workspace] = held
        self._frames.append(frame)
        if self._timer is None and not self._is_writing:
            assert self._loop is not None
            self._timer = self._loop.call_later(GROUP_WAIT_SECONDS, self._flush)
        return True

    async def put(self, frames: Sequence[bytes]) -> None:
        """Write frames and return after their fsync. Raises `Transient` if they are not durable.

        All frames are events of one workspace.

        Raises `ShareUsedUp` when the workspace holds as many bytes as are free. So a workspace
        never takes what is left for others: alone it can fill one half, two can fill two thirds.
        """
        if self.trouble:
            raise Transient(f"the journal refuses events: {self.trouble}")
        if len(self._waiters) >= WAITERS_MAX or len(self._frames) >= FRAMES_WAITING_MAX:
            raise Transient("too many requests wait for the disk")
        workspace = workspace_of(frames[0])
        held = self._held.get(workspace, 0) + sum(map(len, frames))
        if held > self._bytes_max - self.bytes_waiting:
            raise ShareUsedUp("the workspace has used up its share of the journal")
        self._held[workspace] = held
        assert self._loop is not None
        waiter: asyncio.Future[None] = self._loop.create_future()
        self._frames.extend(frames)
        self._waiters.append(waiter)
        if not self._is_due and not self._is_writing:
            # Later in this round of the loop, so that all requests of the round share one fsync.
            self._cancel_timer()
            self._timer = self._loop.call_soon(self._flush)
        self._is_due = True
        await waiter

    def relayed(
        self, file: JournalFile, groups: Sequence[Group], sizes: Mapping[bytes, int]
    ) -> None:
        """Note that groups are on the log. Those of the current file are deleted once a second.

        `sizes` has the bytes of their frames by workspace.
        """
        file.note_relayed(groups)
        self.records_waiting = max(0, self.records_waiting - sum(len(g.frames) for g in groups))
        self._forget_bytes(file, sum(group.size_bytes for group in groups))
        if file.is_own:
            for workspace, size_bytes in sizes.items():
                self._held[workspace] = max(0, self._held.get(workspace, 0) - size_bytes)
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
        """Run the jobs of the queue, in the writer thread."""
        assert self._loop is not None
        while (job := self._jobs.get()) is not None:
            error: Exception | None = None
            try:
                if job.frames:
                    job.size_bytes = job.file.write(job.frames)
                if job.forget_row:
                    # Callers do not wait for the deletion.
                    self._loop.call_soon_threadsafe(self._wrote, job)
                    job.file.forget_through(job.forget_row)
            except (sqlite3.Error, OSError) as problem:
                error = problem
            self._loop.call_soon_threadsafe(self._done, job, error)

    def _wrote(self, job: _Job) -> None:
        """Answer the callers of a group that is on disk; the second time it does nothing."""
        if job.is_told or not job.size_bytes:
            return
        job.is_told = True
        for waiter in job.waiters:
            if not waiter.done():
                waiter.set_result(None)
        self._telemetry.count(Metric.JOURNAL_GROUPS, outcome="written")
        self.records_waiting += len(job.frames)
        job.file.bytes_waiting += job.size_bytes
        self._count_waiting(job.size_bytes)
        self.written.set()

    def _done(self, job: _Job, error: Exception | None) -> None:
        # One wake-up of the loop for each group: another thread wakes it at some cost.
        self._wrote(job)
        self._is_writing = False
        if error is not None:
            self._end_file(job, error)
        elif self._is_due or self._is_forgetting:
            assert self._loop is not None
            self._timer = self._loop.call_later(GROUP_PAUSE_SECONDS, self._flush)
        elif self._frames:
            assert self._loop is not None
            self._timer = self._loop.call_later(GROUP_WAIT_SECONDS, self._flush)

    # -- end of a file and a new one ------------------------------------------------------------

    def _end_file(self, job: _Job, error: Exception) -> None:
        """End the current file after an error: waiting requests fail, and the file is relayed."""
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
            self.current.is_ended = True
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
            file.bytes_waiting = await asyncio.to_thread(file.size_bytes)
            self._count_waiting(file.bytes_waiting)
        self.written.set()
        _log.info("journal_adopted", slot=slot.folder.name, files=len(paths))

    def retire(self, file: JournalFile) -> None:
        """Remove a file of the backlog that was relayed, and its slot after the last file.

        What is missing of it is counted and named: in the log, in a metric, and in a file that
        `laurel doctor` reads. A file that is damaged is renamed to `.damaged` and kept.
        """
        self.backlog.remove(file)
        self._forget_bytes(file, file.bytes_waiting)
        loss = file.loss()
        if loss is not None:
            self._report(file, loss)
        if file.is_spent():
            file.remove()
        else:
            _log.error("journal_file_damaged", file=str(file.keep_as_damaged()))
        slot = self._adopted.pop(file, None)
        if slot is not None and not slot.files():
            slot.remove()

    def _report(self, file: JournalFile, loss: Loss) -> None:
        """Name a loss. A loss that cannot be counted counts as one event."""
        self._telemetry.count(Metric.JOURNAL_LOST, loss.events or 1)
        _log.error(
            "journal_events_lost",
            file=str(file.path),
            lost_events=loss.events,
            acknowledged_events=loss.acknowledged,
            missing_groups=loss.holes,
        )
        try:
            write_loss(file.path, loss)
        except OSError as error:
            _log.error("journal_loss_not_written", reason=str(error))

    def _forget_bytes(self, file: JournalFile, size_bytes: int) -> None:
        file.bytes_waiting = max(0, file.bytes_waiting - size_bytes)
        self._count_waiting(-size_bytes)

    def _count_waiting(self, change_bytes: int) -> None:
        self.bytes_waiting = max(0, self.bytes_waiting + change_bytes)
        if not self.bytes_waiting and not self._frames:
            self._held = {}  # also what was refused or lost after it was counted
        over = f"the disk budget of {self._bytes_max} bytes is used up"
        if self.bytes_waiting >= self._bytes_max and not self.trouble:
            self.trouble = over
            _log.error("journal_over_budget", bytes=self.bytes_waiting)
        elif self.trouble == over and self.bytes_waiting < self._bytes_max:
            self.trouble = ""
