"""Dead letters tried again: each through the same door as any record, without an offset.

Promise: trying again is idempotent: what was stored meanwhile counts as resolved, what still fails stays as it is. A letter only ever writes
into its own workspace.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from services.attribution.pipeline.catalog_cache import FactsCache
from services.attribution.pipeline.catalog_consumer import decode_record, take_records
from services.attribution.pipeline.record_faults import BISECTED
from services.attribution.pipeline.record_sorting import (
    CURRENCY_MISMATCH,
    Refusal,
    decode_event,
    sort_records,
)
from services.attribution.pipeline.unit_of_work import Books
from services.attribution.store import outbox_rows
from services.attribution.store.data_faults import data_errors
from services.attribution.store.offset_rows import close_workspaces
from services.attribution.store.outbox_rows import DeadLetter
from shared.clock import Clock
from shared.db.engine import Database, driver
from shared.log.port import StoredRecord
from shared.log.topics import CATALOG

# Each is a transaction of some milliseconds: a request ends within 5 s.
LETTERS_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class Retried:
    """What became of one letter; `reason` says why it still fails."""

    dead_letter_id: str
    outcome: Literal["resolved", "failed"]
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Retrier:
    """Tries letters again for the calls of the API."""

    database: Database
    cache: FactsCache
    clock: Clock
    wake: Callable[[Sequence[str]], None]

    async def retry(self, workspace_id: str, ids: Collection[str] | None) -> list[Retried]:
        """Try these letters of a workspace (None: the oldest) once each."""
        async with self.database.read([workspace_id]) as connection:
            letters = await outbox_rows.pick_dead_letters(
                await driver(connection), ids, LETTERS_MAX
            )
        found = [await self._try(letter) for letter in letters]
        self.wake([workspace_id])
        return found

    async def _try(self, letter: DeadLetter) -> Retried:
        if letter.reason == CURRENCY_MISMATCH:
            # The event is stored; its order decides, and a corrected order decides by itself.
            return Retried(letter.dead_letter_id, "failed", letter.reason)
        try:
            with data_errors():
                async with self.database.write([letter.workspace_id]) as connection:
                    reason = await self._apply(await driver(connection), letter)
        except BISECTED as fault:
            reason = str(fault)
        if reason is None:
            return Retried(letter.dead_letter_id, "resolved")
        return Retried(letter.dead_letter_id, "failed", reason)

    async def _apply(self, conn: Any, letter: DeadLetter) -> str | None:
        """Take the record in and resolve its letter; the answer is why not."""
        record = StoredRecord(
            letter.topic, letter.partition, letter.offset, letter.key, letter.value, (), 0
        )
        now = self.clock.now()
        books = await Books.open(conn, [letter.workspace_id], self.cache, now)
        is_catalog = letter.topic == CATALOG.name
        reason = await (_take_record(books, record) if is_catalog else _take_event(books, record))
        if reason is None:
            await outbox_rows.resolve_dead_letters(conn, [letter.dead_letter_id], now)
        return reason


async def _take_event(books: Books, record: StoredRecord) -> str | None:
    found = decode_event(record)
    if isinstance(found, Refusal):
        return found.reason
    batch = sort_records([record], [found])
    if not set(batch.workspaces) <= set(books.states):
        return "the record is of another workspace"
    outcome = await books.take_batch(batch)
    return "idempotency_conflict" if outcome.dead_lettered else None


async def _take_record(books: Books, record: StoredRecord) -> str | None:
    found = decode_record(record)
    if isinstance(found, Refusal):
        return found.reason
    if found.workspace_id not in books.states:
        return "the record is of another workspace"
    await take_records(books, [found])
    await close_workspaces(books.conn, books.states.values())
    return None
