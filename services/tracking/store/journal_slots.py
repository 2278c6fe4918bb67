"""Journal slots: one folder per process, with an exclusive lock.

When a process dies, its lock ends, and another process adopts its slot.
Promise: a folder gets the name `slot-…` only after it is complete and locked. At most one running
process holds its lock. What can go wrong: `OSError` from the disk.
"""

import fcntl
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from shared.ids import new_id

LOCK_NAME: Final = "lock"
FILE_SUFFIX: Final = ".journal"
MARK_SUFFIX: Final = ".mark"
DAMAGED_SUFFIX: Final = ".damaged"
_MODE_FOLDER: Final = 0o700
MODE_FILE: Final = 0o600


@dataclass(slots=True)
class Slot:
    """One folder of journal files. `lock` is the descriptor of its locked file."""

    folder: Path
    lock: int
    files_made: int = 0

    def files(self) -> list[Path]:
        """Return the journal files, oldest first; also one of which only the mark is left."""
        found = (*self.folder.glob(f"*{FILE_SUFFIX}"), *self.folder.glob(f"*[0-9]{MARK_SUFFIX}"))
        return sorted({path.with_suffix(FILE_SUFFIX) for path in found})

    def next_file(self) -> Path:
        """Return a path in the folder that was not used before."""
        self.files_made += 1
        return self.folder / f"{self.files_made:06d}{FILE_SUFFIX}"

    def remove(self) -> None:
        """Delete the folder and release the lock. It must have no journal file left."""
        for path in (*self.folder.glob("*.journal-wal"), *self.folder.glob("*.journal-shm")):
            path.unlink(missing_ok=True)
        (self.folder / LOCK_NAME).unlink(missing_ok=True)
        with suppress(OSError):  # not empty: it has a file that Laurel did not write
            self.folder.rmdir()
        self.release()

    def release(self) -> None:
        """Release the lock, so that another process can adopt the folder."""
        os.close(self.lock)


def take_slot(root: Path) -> Slot:
    """Return a new slot. It is created and locked under a hidden name, then renamed."""
    root.mkdir(mode=_MODE_FOLDER, parents=True, exist_ok=True)
    name = new_id()
    hidden = root / f".{name}"
    hidden.mkdir(mode=_MODE_FOLDER)
    lock = os.open(hidden / LOCK_NAME, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, MODE_FILE)
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    folder = root / f"slot-{name}"
    hidden.rename(folder)
    for path in (folder, root, root.parent):
        sync_folder(path)
    return Slot(folder, lock)


def adopt_slots(root: Path) -> list[Slot]:
    """Lock every slot whose process is dead, and return these slots, oldest first."""
    found = sorted(root.glob("slot-*")) if root.is_dir() else []
    return [slot for folder in found if (slot := _try_lock(folder)) is not None]


def _try_lock(folder: Path) -> Slot | None:
    try:
        lock = os.open(folder / LOCK_NAME, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return Slot(folder, lock)


def sync_folder(folder: Path) -> None:
    """Fsync a folder, so that the names in it survive a power loss."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
