"""One journal file: SQLite in WAL mode with `synchronous=FULL`.

One row holds one group of events with its checksum.
Promise: when `write` returns, the group is fsynced. A group that was damaged on disk is skipped and
counted; the groups around it are read.
What can go wrong: after `sqlite3.Error` or `OSError` from `write`, the file must not be written
again, because the fsync after a failed fsync can succeed without the lost bytes. It is still read.
"""

import sqlite3
import struct
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Final
from zlib import crc32

from services.tracking.store.journal_slots import sync_folder

_NUMBER: Final = struct.Struct(">I")
# A busy core writes groups of 60 KiB. In SQLite's default pages of 4 KiB, to write and delete them
# costs a third more. A single event costs the same in both.
PAGE_BYTES: Final = 16 * 1024
CHECKPOINT_BYTES: Final = 4 * 1024 * 1024
# A checkpoint excludes readers for a moment. A reader waits this long for it.
BUSY_MS: Final = 2_000

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS groups (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
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

    Each connection is used by one thread at a time.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.relayed_through = 0
        self._writer: sqlite3.Connection | None = None
        self._reader: sqlite3.Connection | None = None

    def open_writer(self) -> None:
        """Create the file. When this returns, its name is durable."""
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
        """Append one group in one statement, fsync it, and return its size in bytes."""
        assert self._writer is not None
        blob = pack_frames(frames)
        self._writer.execute(
            "INSERT INTO groups (checksum, frames) VALUES (?, ?)", (crc32(blob), blob)
        )
        return len(blob)

    def forget_through(self, row: int) -> None:
        """Delete the groups up to and including `row`, which are on the log."""
        assert self._writer is not None
        self._writer.execute("DELETE FROM groups WHERE id <= ?", (row,))

    def read(self, *, after: int, bytes_max: int) -> list[Group]:
        """Return the next groups after a row: at least one if there is any, about `bytes_max`."""
        try:
            return self._read_run(after, bytes_max)
        except sqlite3.DatabaseError:
            return self._read_next_alone(after)

    def _read_run(self, after: int, bytes_max: int) -> list[Group]:
        groups: list[Group] = []
        size_bytes = 0
        rows = self._reading().execute(
            "SELECT id, checksum, frames FROM groups WHERE id > ? ORDER BY id", (after,)
        )
        with closing(rows):
            for row, checksum, blob in rows:
                group = _checked(row, checksum, blob)
                if group.is_damaged:
                    # Its number can be damaged, too. To continue after it could skip sound rows.
                    return groups or self._read_next_alone(after)
                groups.append(group)
                size_bytes += len(blob)
                if size_bytes >= bytes_max:
                    break
        return groups

    def _read_next_alone(self, after: int) -> list[Group]:
        """Return the next group of a file with a damaged page, read by its row number.

        A row that cannot be read or found gives a damaged group.
        """
        try:
            last = self._last_row()
        except sqlite3.DatabaseError:
            return []  # not readable as a journal: `Journal.retire` renames it
        for row in range(after + 1, last + 1):
            try:
                found = (
                    self._reading()
                    .execute("SELECT id, checksum, frames FROM groups WHERE id = ?", (row,))
                    .fetchone()
                )
            except sqlite3.DatabaseError:
                return [Group(row, (), 0, is_damaged=True)]
            if found is not None:
                return [_checked(*found)]
            if after:  # only relayed rows are deleted, and they come before this one
                return [Group(row, (), 0, is_damaged=True)]
        return []

    def _last_row(self) -> int:
        """Return the number of the last row ever written, also when it was deleted."""
        statement = "SELECT seq FROM sqlite_sequence WHERE name = 'groups'"
        found = self._reading().execute(statement).fetchone()
        return int(found[0]) if found is not None else 0

    def is_spent(self) -> bool:
        """Whether every row ever written here is on the log; False when that cannot be read."""
        try:
            return self._last_row() <= self.relayed_through
        except sqlite3.DatabaseError:
            return False

    def size_bytes(self) -> int:
        """Return the size of its groups in bytes; 0 when that cannot be read."""
        with suppress(sqlite3.DatabaseError):
            statement = "SELECT coalesce(sum(length(frames)), 0) FROM groups"
            return int(self._reading().execute(statement).fetchone()[0])
        return 0

    def disk_bytes(self) -> int:
        """Return the size of the file on disk in bytes; 0 when it does not exist."""
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0

    def close(self) -> None:
        """Close both connections, the writer first (see `open_writer`)."""
        for connection in (self._writer, self._reader):
            if connection is not None:
                with suppress(
                    sqlite3.Error
                ):  # the disk is unavailable, and the connection is not needed
                    connection.close()
        self._writer = self._reader = None

    def remove(self) -> None:
        """Delete the file: every group of it is on the log."""
        self.close()
        for suffix in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)

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
    if not isinstance(blob, bytes) or crc32(blob) != checksum:
        return Group(row, (), len(blob) if isinstance(blob, bytes) else 0, is_damaged=True)
    return Group(row, unpack_frames(blob), len(blob))
