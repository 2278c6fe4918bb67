"""The notes of lost events: one small JSON file beside each journal file that lost some.

Promise: a note stays until a person deletes it, so `laurel doctor` names the loss also after a
restart. What can go wrong: `OSError` from the disk.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from services.tracking.store.journal_slots import MODE_FILE

NOTE_SUFFIX: Final = ".loss"


@dataclass(frozen=True, slots=True)
class Loss:
    """What damage took from one file.

    `events` of the file's `acknowledged` events are missing. Both are None when the file has no
    mark. `holes` names the missing groups.
    """

    events: int | None
    acknowledged: int | None
    holes: tuple[str, ...]


def write_loss(journal_file: Path, loss: Loss) -> None:
    """Write the note of a journal file."""
    path = journal_file.with_suffix(NOTE_SUFFIX)
    handle = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC, MODE_FILE)
    with os.fdopen(handle, "wb") as file:
        file.write(msgspec.json.encode(loss))


def read_losses(root: Path) -> Iterator[tuple[Path, Loss]]:
    """Yield the notes below the folder of the journals, with their paths."""
    for path in sorted(root.glob(f"slot-*/*{NOTE_SUFFIX}")):
        try:
            yield path, msgspec.json.decode(path.read_bytes(), type=Loss)
        except (OSError, msgspec.MsgspecError):
            yield path, Loss(None, None, ())
