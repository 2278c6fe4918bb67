"""Journal slots: one folder per process, held by an exclusive lock, so a dead process's journal finds a new owner.

Promise: a folder named `slot-…` exists only while it was made whole and locked by its maker, and at most one live process
holds it; the lock ends with the process, however it dies. What can go wrong: `OSError` when the disk refuses.
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
_MODE_FOLDER: Final = 0o700
_MODE_FILE: Final = 0o600


@dataclass(slots=True)
class Slot:
    """One folder of journal files and the lock on it."""

    folder: Path
    lock: int
    files_made: int = 0

    def files(self) -> list[Path]:
        """The journal files here, oldest first."""
        return sorted(self.folder.glob(f"*{FILE_SUFFIX}"))

    def next_file(self) -> Path:
        """A path that was never used here."""
        self.files_made += 1
        return self.folder / f"{self.files_made:06d}{FILE_SUFFIX}"

    def remove(self) -> None:
        """Give the folder up for good; it must hold no journal file any more."""
        for path in (*self.folder.glob("*-wal"), *self.folder.glob("*-shm")):
            path.unlink(missing_ok=True)
        (self.folder / LOCK_NAME).unlink(missing_ok=True)
        with suppress(OSError):  # not empty: somebody put a file there, which is not ours to remove
            self.folder.rmdir()
        self.release()

    def release(self) -> None:
        """Let another process have the folder."""
        os.close(self.lock)


def take_slot(root: Path) -> Slot:
    """A new slot of our own: made and locked under a name that nobody looks at, then renamed."""
    root.mkdir(mode=_MODE_FOLDER, parents=True, exist_ok=True)
    name = new_id()
    hidden = root / f".{name}"
    hidden.mkdir(mode=_MODE_FOLDER)
    lock = os.open(hidden / LOCK_NAME, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, _MODE_FILE)
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    folder = root / f"slot-{name}"
    hidden.rename(folder)
    for path in (folder, root, root.parent):
        sync_folder(path)
    return Slot(folder, lock)


def adopt_slots(root: Path) -> list[Slot]:
    """Every slot whose process is gone, oldest first, now locked by us."""
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
    """Make the names in a folder survive a power loss."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
