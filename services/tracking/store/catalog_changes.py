"""Changes of the catalog since the last snapshot, in append-only files beside it.

A snapshot of a million links is written rarely. A change must survive a crash after one second, so
it is appended here at once and removed when a later snapshot contains it.

Promise: when `append` returns, the records are on stable storage. Each process writes its own file
and holds an exclusive lock on it. A file is removed only after a snapshot with all its changes was
written. A frame is a length, a checksum and one encoded catalog record.
What can go wrong: reading stops at a torn or damaged frame, which is logged; the frames before it
count. `OSError` from the disk: the file gets no more records, and the next append creates another.
"""

import fcntl
import hashlib
import os
import struct
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Final

from services.tracking.store.journal_slots import sync_folder
from shared.ids import new_id
from shared.telemetry import get_logger

MAGIC: Final = b"laurel-changes-1\n"
SUFFIX: Final = ".changes"
CHECKSUM_BYTES: Final = 8
_HEAD: Final = struct.Struct(f">I{CHECKSUM_BYTES}s")
_MODE_FILE: Final = 0o600

_log = get_logger(__name__)


class ChangesFiles:
    """The changes files of one folder, used by one process. Safe for several threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = Lock()
        # The file for new records: its path, and the descriptor that holds the lock.
        self._open: tuple[Path, int] | None = None
        # Files to remove after the next snapshot, because their changes are in memory.
        self._retired: list[tuple[Path, int]] = []

    def load(self) -> list[bytes]:
        """Return all sound records of all files, oldest file first.

        Files of dead processes are adopted; files of running processes are only read.
        """
        found: list[bytes] = []
        for path in sorted(self._folder.glob(f"*{SUFFIX}")):
            with suppress(FileNotFoundError):
                found += _frames(path)
                self._adopt(path)
        return found

    def append(self, records: Sequence[bytes]) -> None:
        """Write records and fsync. After `OSError` the caller must append all of them again."""
        with self._lock:
            path, handle = self._open or self._create()
            self._open = path, handle
            content = memoryview(b"".join(map(_framed, records)))
            try:
                while content:
                    content = content[os.write(handle, content) :]
                os.fsync(handle)
            except OSError:
                # A frame after a torn frame would never be read.
                self._retire()
                raise

    def retire(self) -> int:
        """End the current file before a snapshot is taken; the next append creates another.

        Return the number of files to pass to `remove` after that snapshot is written.
        """
        with self._lock:
            self._retire()
            return len(self._retired)

    def remove(self, count: int) -> None:
        """Remove the oldest `count` ended files: a snapshot contains their changes."""
        with self._lock:
            for path, handle in self._retired[:count]:
                path.unlink(missing_ok=True)
                os.close(handle)
            del self._retired[:count]

    def close(self) -> None:
        """Release the locks. Files that were not removed stay for the next process."""
        with self._lock:
            self._retire()
            for _, handle in self._retired:
                os.close(handle)
            self._retired.clear()

    def _retire(self) -> None:
        if self._open is not None:
            self._retired.append(self._open)
            self._open = None

    def _create(self) -> tuple[Path, int]:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._folder / f"{new_id()}{SUFFIX}"
        flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_APPEND | os.O_CLOEXEC
        handle = os.open(path, flags, _MODE_FILE)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.write(handle, MAGIC)
            sync_folder(self._folder)
        except OSError:
            os.close(handle)
            raise
        return path, handle

    def _adopt(self, path: Path) -> None:
        handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
        else:
            self._retired.append((path, handle))


def _framed(record: bytes) -> bytes:
    return _HEAD.pack(len(record), _checksum(record)) + record


def _frames(path: Path) -> Iterator[bytes]:
    """Yield the records before the first frame that is torn or damaged."""
    content = path.read_bytes()
    if not content.startswith(MAGIC):
        if content:
            _log.warning("changes_of_another_version", file=str(path))
        return
    at = len(MAGIC)
    while at + _HEAD.size <= len(content):
        length, checksum = _HEAD.unpack_from(content, at)
        record = content[at + _HEAD.size : at + _HEAD.size + length]
        if len(record) < length or _checksum(record) != checksum:
            break
        yield record
        at += _HEAD.size + length
    if at < len(content):
        _log.warning("changes_torn", file=str(path), bytes_left=len(content) - at)


def _checksum(record: bytes) -> bytes:
    return hashlib.blake2b(record, digest_size=CHECKSUM_BYTES).digest()
