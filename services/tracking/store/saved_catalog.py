"""The catalog on disk: a snapshot now and then, and each change in between within a second.

Promise: a process that starts while the log is away knows every change that was received more than
`CHANGES_SECONDS` and one fsync before the last process died. One snapshot is written at a time;
changes are saved meanwhile.
What can go wrong: the disk refuses: it is logged, and tried again at the next turn.
"""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import Final

from services.tracking.store.catalog_changes import ChangesFiles
from services.tracking.store.catalog_memory import Catalog
from services.tracking.store.catalog_snapshot import Image, load_snapshot, take_image, write_image
from shared.catalog import CatalogRejected, decode_catalog, encode_catalog
from shared.clock import Clock
from shared.telemetry import get_logger

# A change is on disk within a second: this, and the time of an fsync.
CHANGES_SECONDS: Final = 0.25
# Rarely enough for a million links.
SNAPSHOT_SECONDS: Final = 30.0

_log = get_logger(__name__)


class SavedCatalog:
    """Loads a catalog at the start and saves what changes in it."""

    def __init__(self, catalog: Catalog, path: Path, clock: Clock) -> None:
        self._catalog = catalog
        self._path = path
        self._clock = clock
        self._files = ChangesFiles(path.parent)
        # One task takes changes off the list at a time.
        self._turn = asyncio.Lock()
        # A writer that was cancelled ends before the next one begins, so the newest snapshot stays.
        self._writing = Lock()
        self._saved_changes = -1

    async def load(self) -> dict[int, int] | None:
        """Fill the empty catalog; the positions to read on from, None without a sound snapshot.

        A change is read again from the log: the positions are those of the snapshot.
        """
        positions = await asyncio.to_thread(load_snapshot, self._catalog, self._path)
        changes = await asyncio.to_thread(self._files.load)
        if positions is None:
            return None
        self._saved_changes = self._catalog.changes
        for change in changes:
            try:
                self._catalog.put(decode_catalog(change))
            except CatalogRejected as error:
                _log.error("saved_change_refused", reason=str(error))
        return positions

    async def run(self, positions: Mapping[int, int]) -> None:
        """Save until cancelled; `positions` move as the catalog is read."""
        # The first snapshot holds what came before: only from here on single changes are kept.
        self._catalog.fresh = []
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._save_images(positions))
            tasks.create_task(self._save_changes())

    async def save_image(self, positions: Mapping[int, int]) -> None:
        """Write a snapshot if anything changed, and remove the changes that it holds."""
        await self.save_changes()
        held = await asyncio.to_thread(self._files.retire)
        changes = self._catalog.changes
        if changes != self._saved_changes:
            image = take_image(self._catalog, positions)
            try:
                await asyncio.to_thread(self._write, image)
            except OSError as error:
                _log.error("snapshot_not_written", reason=str(error))
                return
            self._saved_changes = changes
        await asyncio.to_thread(self._files.remove, held)

    def _write(self, image: Image) -> None:
        with self._writing:
            write_image(image, self._path)

    async def save_changes(self) -> None:
        """Append what changed since the last call."""
        async with self._turn:
            fresh = self._catalog.fresh
            if not fresh:
                return
            taken = len(fresh)
            records = [encode_catalog(record) for record in fresh]
            try:
                await asyncio.to_thread(self._files.append, records)
            except OSError as error:
                _log.error("changes_not_written", reason=str(error))
                return
            del fresh[:taken]

    def close(self) -> None:
        """Give the files up."""
        self._files.close()

    async def _save_images(self, positions: Mapping[int, int]) -> None:
        while True:
            await self.save_image(positions)
            await self._clock.sleep(SNAPSHOT_SECONDS)

    async def _save_changes(self) -> None:
        while True:
            await self._clock.sleep(CHANGES_SECONDS)
            await self.save_changes()
