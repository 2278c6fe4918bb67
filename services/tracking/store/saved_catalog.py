"""Save the catalog to disk: a snapshot every 30 s, and each change in between within a second.

Promise: a process that starts without the log has every change that was received more than
`CHANGES_SECONDS` and one fsync before the last process died. One snapshot is written at a time, and
changes are saved meanwhile.
What can go wrong: a write to disk fails. The error is logged, and the next round tries again.
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

# A change is on disk within a second: after this time and the time of an fsync.
CHANGES_SECONDS: Final = 0.25
# A snapshot of a million links takes seconds, so it is written rarely.
SNAPSHOT_SECONDS: Final = 30.0

_log = get_logger(__name__)


class SavedCatalog:
    """Loads a catalog at the start and saves its changes."""

    def __init__(self, catalog: Catalog, path: Path, clock: Clock) -> None:
        self._catalog = catalog
        self._path = path
        self._clock = clock
        self._files = ChangesFiles(path.parent)
        # One task at a time removes changes from the list.
        self._saving = asyncio.Lock()
        # A cancelled write ends in its thread before the next begins, so the newest snapshot wins.
        self._writing = Lock()
        self._saved_changes = -1

    async def load(self) -> dict[int, int] | None:
        """Fill the empty catalog and return the offsets to read next; None without a snapshot.

        The offsets are those of the snapshot, so later changes are read again from the log.
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
        """Save until cancelled. The follower updates `positions` while it reads."""
        # The first snapshot contains all earlier changes; single ones are collected from here on.
        self._catalog.fresh = []
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._save_images(positions))
            tasks.create_task(self._save_changes())

    async def save_image(self, positions: Mapping[int, int]) -> None:
        """Write a snapshot if anything changed, and remove the changes files that it replaces."""
        await self.save_changes()
        replaced = await asyncio.to_thread(self._files.retire)
        changes = self._catalog.changes
        if changes != self._saved_changes:
            image = take_image(self._catalog, positions)
            try:
                await asyncio.to_thread(self._write, image)
            except OSError as error:
                _log.error("snapshot_not_written", reason=str(error))
                return
            self._saved_changes = changes
        await asyncio.to_thread(self._files.remove, replaced)

    def _write(self, image: Image) -> None:
        with self._writing:
            write_image(image, self._path)

    async def save_changes(self) -> None:
        """Append the changes since the last call to a changes file."""
        async with self._saving:
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
        """Release the changes files."""
        self._files.close()

    async def _save_images(self, positions: Mapping[int, int]) -> None:
        while True:
            await self.save_image(positions)
            await self._clock.sleep(SNAPSHOT_SECONDS)

    async def _save_changes(self) -> None:
        while True:
            await self._clock.sleep(CHANGES_SECONDS)
            await self.save_changes()
