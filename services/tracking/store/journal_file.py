"""One journal file: SQLite in WAL mode with `synchronous=FULL`, and its mark.

One row holds one group of events with its checksum. Groups have the numbers 1, 2, 3, and so on.
Promise: when `write` returns, the group is fsynced and in the mark. A group that was damaged on
disk is skipped; the groups around it are read. `loss` says how many events are missing, wherever
the damage is: the numbers tell of a hole, the mark tells of a missing end.
What can go wrong: after `sqlite3.Error` or `OSError` from `write`, the file must not be written
again, because the fsync after a failed fsync can succeed without the lost bytes. It is still read.
"""

import os
import sqlite3
import struct
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Final
from zlib import crc32

from services.tracking.store.journal_loss import Loss
from services.tracking.store.journal_mark import JournalMark, Marked, read_mark
from services.tracking.store.journal_slots import (
    DAMAGED_SUFFIX,
    MARK_SUFFIX,
    MODE_FILE,
    sync_folder,
)

_NUMBER: Final = struct.Struct(">I")
# A busy core writes groups of 60 KiB. In SQLite's default pages of 4 KiB, to write and delete them
# costs a third more. A single event costs the same in both.
PAGE_BYTES: Final = 16 * 1024
CHECKPOINT_BYTES: Final = 4 * 1024 * 1024
# A checkpoint excludes readers for a moment. A reader waits this long for it.
BUSY_MS: Final = 2_000

# The mark is fsynced after so many groups, and with each deletion.
GROUPS_BETWEEN_SYNCS: Final = 100
# One read returns at most so many damaged groups.
DAMAGED_GROUPS_MAX: Final = 1_000
# A loss names at most so many holes.
HOLES_NAMED_MAX: Final = 20
# What SQLite raises for a damaged page, also when the page names an absurd size.
_UNREADABLE: Final = (sqlite3.DatabaseError, MemoryError, OverflowError)

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS groups (
    id INTEGER PRIMARY KEY,
    checksum INTEGER NOT NULL,
    frames BLOB NOT NULL
)
"""


@dataclass(frozen=True, slots=True)
class Group:
    """One group as read: its row number, its events, and its size on disk."""

    row: int
    frames: tuple[bytes, ...]
    size_bytes: int
    is_damaged: bool = False


def pack_frames(frames: Sequence[bytes]) -> bytes:
    """Return frames as one blob: their number, the length of each, then the frames."""
    count = len(frames)
    return struct.pack(f">{count + 1}I", count, *map(len, frames)) + b"".join(frames)


def unpack_frames(blob: bytes) -> tuple[bytes, ...]:
    """Return the frames of a blob whose checksum was right."""
    (count,) = _NUMBER.unpack_from(blob)
    ends = accumulate(
        struct.unpack_from(f">{count}I", blob, _NUMBER.size), initial=_NUMBER.size * (count + 1)
    )
    return tuple(blob[start:end] for start, end in pairwise(ends))


class JournalFile:
    """A journal file, with one connection to write and one to read.

    Each connection is used by one thread at a time. `groups` and `events` count what the file
    holds; the thread of the relay counts what was relayed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.bytes_waiting = 0
        self.is_own = False  # written by this process
        # No write was or will be tried again: an error ended the file, or its process is dead.
        self.is_ended = True
        self._mark_path = path.with_suffix(MARK_SUFFIX)
        marked = read_mark(self._mark_path)
        self.has_mark = marked is not None
        self.groups, self.events, row, relayed_events = marked or Marked()
        # One tuple, because the writer thread reads it while the relay replaces it.
        self._relayed = (row, relayed_events)
        self._holes: list[tuple[int, int]] = []
        self._mark: JournalMark | None = None
        self._groups_since_sync = 0
        self._writer: sqlite3.Connection | None = None
        self._reader: sqlite3.Connection | None = None

    # -- writing --------------------------------------------------------------------------------

    def open_writer(self) -> None:
        """Create the file and its mark. When this returns, their names are durable."""
        self._mark = JournalMark(self._mark_path)
        self.has_mark, self.is_own, self.is_ended = True, True, False
        # SQLite would make a file that others can read.
        os.close(os.open(self.path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, MODE_FILE))
        self._writer = _connect(self.path)
        self._writer.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        self._writer.execute("PRAGMA journal_mode = WAL")
        self._writer.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_BYTES // PAGE_BYTES}")
        self._writer.execute("PRAGMA synchronous = FULL")
        self._writer.execute(_SCHEMA)
        sync_folder(self.path.parent)
        # The connection that is closed last runs a checkpoint with an fsync. That would be wrong
        # after a failed fsync, so the last connection is read-only.
        self._reader = _connect(self.path, mode="ro")
        self._reader.execute("SELECT count(*) FROM groups").fetchone()

    def write(self, frames: Sequence[bytes]) -> int:
        """Append one group in one statement, fsync it, mark it, and return its size in bytes."""
        assert self._writer is not None
        blob = pack_frames(frames)
        row = self.groups + 1
        self._writer.execute(
            "INSERT INTO groups (id, checksum, frames) VALUES (?, ?, ?)",
            (row, crc32(blob, row), blob),
        )
        self.groups, self.events = row, self.events + len(frames)
        self._groups_since_sync += 1
        self._write_mark(sync=self._groups_since_sync >= GROUPS_BETWEEN_SYNCS)
        return len(blob)

    def forget_through(self, row: int) -> None:
        """Delete the groups up to and including `row`, which are on the log."""
        assert self._writer is not None
        # The mark first: a group that is neither in the file nor relayed counts as lost.
        self._write_mark(sync=True)
        self._writer.execute("DELETE FROM groups WHERE id <= ?", (row,))

    def _write_mark(self, *, sync: bool) -> None:
        assert self._mark is not None
        self._mark.write(Marked(self.groups, self.events, *self._relayed))
        if sync:
            self._mark.sync()
            self._groups_since_sync = 0

    # -- reading --------------------------------------------------------------------------------

    def read(self, *, after: int, bytes_max: int) -> list[Group]:
        """Return the next groups after a row: at least one if there is any, about `bytes_max`."""
        known = self.groups  # before the read: the writer thread may add groups during it
        groups: list[Group] = []
        with suppress(*_UNREADABLE):
            self._read_run(after, bytes_max, groups)
        return groups or self._read_singly(after, known)

    def _read_run(self, after: int, bytes_max: int, groups: list[Group]) -> None:
        """Append the sound groups that follow each other without a hole."""
        size_bytes = 0
        rows = self._reading().execute(
            "SELECT id, checksum, frames FROM groups WHERE id > ? ORDER BY id", (after,)
        )
        with closing(rows):
            for row, checksum, blob in rows:
                group = _checked(row, checksum, blob)
                # Without a mark, relayed groups at the beginning may have been deleted.
                is_next = row == after + 1 or (after == 0 and not self.has_mark)
                if group.is_damaged or not is_next:
                    return
                groups.append(group)
                after = row
                size_bytes += len(blob)
                if size_bytes >= bytes_max:
                    return

    def _read_singly(self, after: int, known: int) -> list[Group]:
        """Return the next sound group, read by its number, after the damaged ones before it."""
        last = known if self.has_mark else min(self._last_row(), after + DAMAGED_GROUPS_MAX)
        groups: list[Group] = []
        for row in range(after + 1, last + 1):
            groups.append(self._read_one(row))
            if not groups[-1].is_damaged or len(groups) >= DAMAGED_GROUPS_MAX:
                break
        if not self.has_mark and groups and groups[-1].is_damaged:
            return []  # the number of the last row is damaged, too
        return groups

    def _read_one(self, row: int) -> Group:
        statement = "SELECT id, checksum, frames FROM groups WHERE id = ?"
        try:
            found = self._reading().execute(statement, (row,)).fetchone()
        except _UNREADABLE:
            found = None
        return Group(row, (), 0, is_damaged=True) if found is None else _checked(*found)

    def _last_row(self) -> int:
        """Return the number of the last row; 0 when it cannot be read."""
        with suppress(*_UNREADABLE):
            found = self._reading().execute("SELECT max(id) FROM groups").fetchone()
            return int(found[0] or 0)
        return 0

    # -- what was relayed and what is missing ---------------------------------------------------

    @property
    def relayed_through(self) -> int:
        """The number of the last group that is on the log or was found damaged."""
        return self._relayed[0]

    def note_relayed(self, groups: Sequence[Group]) -> None:
        """Count groups that were read and are on the log; damaged ones become holes."""
        row, relayed_events = self._relayed
        for group in groups:
            if group.row > self.groups and self.is_ended:
                # Written and not marked: its write failed or its process died.
                self.groups, self.events = group.row, self.events + len(group.frames)
            if group.is_damaged:
                first = self._holes.pop()[0] if self._is_after_hole(group.row) else group.row
                self._holes.append((first, group.row))
            row, relayed_events = group.row, relayed_events + len(group.frames)
        self._relayed = (row, relayed_events)

    def _is_after_hole(self, row: int) -> bool:
        return bool(self._holes) and self._holes[-1][1] == row - 1

    def loss(self) -> Loss | None:
        """Return what is missing of an ended file that `read` has nothing more of, or None."""
        row, relayed_events = self._relayed
        holes = [*self._holes, *([(row + 1, self.groups)] if row < self.groups else [])]
        missing = self.events - relayed_events
        if not holes and missing <= 0:
            return None
        named = tuple(f"{first}-{last}" for first, last in holes[:HOLES_NAMED_MAX])
        return Loss(missing, self.events, named) if self.has_mark else Loss(None, None, named)

    def is_spent(self) -> bool:
        """Whether every group ever written here is on the log; False when that is not certain."""
        if self.loss() is not None:
            return False
        with suppress(*_UNREADABLE):
            found = self._reading().execute("SELECT max(id) FROM groups").fetchone()
            return int(found[0] or 0) <= self.relayed_through
        return False

    def size_bytes(self) -> int:
        """Return the size of its groups in bytes; 0 when that cannot be read."""
        with suppress(*_UNREADABLE):
            statement = "SELECT coalesce(sum(length(frames)), 0) FROM groups"
            return int(self._reading().execute(statement).fetchone()[0])
        return 0

    def disk_bytes(self) -> int:
        """Return the size of the file on disk in bytes; 0 when it does not exist."""
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0

    # -- the end --------------------------------------------------------------------------------

    def close(self) -> None:
        """Close both connections, the writer first (see `open_writer`), and the mark."""
        for connection in (self._writer, self._reader):
            if connection is not None:
                with suppress(
                    sqlite3.Error
                ):  # the disk is unavailable, and the connection is not needed
                    connection.close()
        self._writer = self._reader = None
        if self._mark is not None:
            with suppress(OSError):
                self._write_mark(sync=False)
            self._mark.close()
            self._mark = None

    def remove(self) -> None:
        """Delete the file: every group of it is on the log."""
        self.close()
        for path in self._paths():
            path.unlink(missing_ok=True)

    def keep_as_damaged(self) -> Path:
        """Rename the file for inspection, with its parts, and close it. Return its new path."""
        kept = self.path.with_suffix(DAMAGED_SUFFIX)
        for path in self._paths():
            if path.exists():
                tail = MARK_SUFFIX if path == self._mark_path else path.name[len(self.path.name) :]
                path.rename(kept.with_name(kept.name + tail))
        self.close()
        return kept

    def _paths(self) -> list[Path]:
        name = self.path.name
        beside = [self.path.with_name(name + suffix) for suffix in ("", "-wal", "-shm")]
        # The mark first: a mark without its file would count everything as lost.
        return [self._mark_path, *beside]

    def _reading(self) -> sqlite3.Connection:
        if self._reader is None:
            self._reader = _connect(self.path)
        return self._reader


def _connect(path: Path, *, mode: str = "rwc") -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
    )
    connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
    return connection


def _checked(row: int, checksum: object, blob: object) -> Group:
    # The checksum holds the number of the group. Files of older versions have it without.
    if not isinstance(blob, bytes) or checksum not in (crc32(blob, row), crc32(blob)):
        return Group(row, (), len(blob) if isinstance(blob, bytes) else 0, is_damaged=True)
    return Group(row, unpack_frames(blob), len(blob))
