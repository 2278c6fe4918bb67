"""The mark of a journal file: how many groups and events it holds, and how many were relayed.

It is a small file beside the journal file. Damage of the journal or of its write-ahead log can hide
groups from SQLite; the mark tells how many are missing.
Promise: a group is in the mark before its requests are answered. The mark survives the end of the
process without an fsync, because the kernel holds it; `sync` makes it survive a loss of power. Two
records take turns, each with a checksum, so that a torn write leaves the older one.
What can go wrong: `OSError` from the disk. A mark whose two records are damaged is not read.
"""

import os
import struct
from pathlib import Path
from typing import Final, NamedTuple
from zlib import crc32

from services.tracking.store.journal_slots import MODE_FILE

_NUMBERS: Final = struct.Struct(">5Q")
_CHECKSUM: Final = struct.Struct(">I")
# Each record lies in a block of its own, so that one damaged block leaves the other record.
_BLOCK_BYTES: Final = 4_096
_RECORDS: Final = 2


class Marked(NamedTuple):
    """The counts of one journal file: all groups and events of it, and the relayed ones."""

    groups: int = 0
    events: int = 0
    relayed_groups: int = 0
    relayed_events: int = 0


class JournalMark:
    """The mark of a file that this process writes. One thread uses it."""

    def __init__(self, path: Path) -> None:
        """Create the mark with zeros, and fsync it."""
        self._handle = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, MODE_FILE)
        self._turn = 0
        for _ in range(_RECORDS):
            self.write(Marked())
        self.sync()

    def write(self, marked: Marked) -> None:
        """Replace the older record."""
        self._turn += 1
        numbers = _NUMBERS.pack(self._turn, *marked)
        record = numbers + _CHECKSUM.pack(crc32(numbers))
        os.pwrite(self._handle, record, self._turn % _RECORDS * _BLOCK_BYTES)

    def sync(self) -> None:
        """Fsync the mark."""
        os.fsync(self._handle)

    def close(self) -> None:
        """Close the file."""
        os.close(self._handle)


def read_mark(path: Path) -> Marked | None:
    """Return the newest record of a mark; None when there is none or all are damaged."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    found: list[tuple[int, ...]] = []
    for start in range(0, _RECORDS * _BLOCK_BYTES, _BLOCK_BYTES):
        numbers = data[start : start + _NUMBERS.size]
        checksum = data[start + _NUMBERS.size : start + _NUMBERS.size + _CHECKSUM.size]
        if len(checksum) == _CHECKSUM.size and checksum == _CHECKSUM.pack(crc32(numbers)):
            found.append(_NUMBERS.unpack(numbers))
    return Marked(*max(found)[1:]) if found else None
