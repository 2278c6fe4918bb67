"""Small disks to fill: a mounted tmpfs, and a file that fills it.

What can go wrong: without the right to mount, `small_disk_or_skip` skips the test.
"""

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import pytest

REFILL_SECONDS: Final = 0.05
_CHUNKS: Final = (1 << 20, 1 << 16, 1 << 12)


def mount(folder: Path, megabytes: int) -> str:
    """Mount a tmpfs on a folder. Return the reason of a refusal, or an empty text."""
    folder.mkdir(parents=True, exist_ok=True)
    words = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "tmpfs", str(folder)]
    try:
        done = subprocess.run(words, capture_output=True, text=True)
    except FileNotFoundError as missing:
        return str(missing)
    return done.stderr.strip() if done.returncode else ""


def unmount(folder: Path) -> None:
    """Unmount a folder, also while a process still uses it."""
    subprocess.run(["umount", "-l", str(folder)], capture_output=True)


@contextmanager
def small_disk_or_skip(folder: Path, megabytes: int) -> Iterator[Path]:
    """Yield a folder that is a disk of that size; skip the test without the right to mount."""
    refusal = mount(folder, megabytes)
    if refusal:
        pytest.skip(f"NOT TESTED ON A FULL DISK: only root may mount a small one ({refusal})")
    try:
        yield folder
    finally:
        unmount(folder)


@contextmanager
def kept_full(folder: Path) -> Iterator[None]:
    """Keep a disk full during the block, also when space is freed. Free it at the end."""
    path, stop = folder / "filler", threading.Event()
    fill(path)

    def refill() -> None:
        while not stop.wait(REFILL_SECONDS):
            fill(path)

    thread = threading.Thread(target=refill)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        path.unlink()


def fill(path: Path) -> None:
    """Write a file until the disk takes no further page."""
    with path.open("ab", buffering=0) as file:
        for size in _CHUNKS:
            with suppress(OSError):
                while file.write(bytes(size)) == size:
                    pass
