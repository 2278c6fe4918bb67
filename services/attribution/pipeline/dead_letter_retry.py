"""The retry of dead letters: each is handled like a new record, but without an offset.

Records that were set aside because a transaction failed are retried by themselves, after a minute
and then after twice the time, up to an hour. All others are retried by a request.
Promise: the retry is idempotent. A dead letter whose event was stored meanwhile is resolved; one
that fails again stays. A dead letter only writes into its own workspace.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from services.attribution.pipeline.catalog_cache import FactsCache
from services.attribution.pipeline.catalog_consumer import decode_record, take_records
from services.attribution.pipeline.record_faults import SET_ASIDE, STATEMENT_SECONDS
from services.attribution.pipeline.record_sorting import (
    CURRENCY_MISMATCH,
    Refusal,
    decode_event,
    sort_records,
)
from services.attribution.pipeline.unit_of_work import UnitOfWork
from services.attribution.store import outbox_rows
from services.attribution.store.offset_rows import all_workspaces, close_workspaces
from services.attribution.store.outbox_rows import DeadLetter
from shared.clock import Clock
from shared.db.data_faults import data_errors
from shared.db.engine import Database, driver
from shared.errors import Transient
from shared.log.port import StoredRecord
from shared.log.topics import CATALOG
from shared.telemetry import get_logger

# Each is a transaction of some milliseconds: a request ends within 5 s.
LETTERS_MAX: Final = 100
# How often the letters of all workspaces that are due are searched, and how many of one workspace
# are retried then, so that a workspace with many does not delay the others.
SWEEP_SECONDS: Final = 15.0
DUE_LETTERS_MAX: Final = 5
# Workspaces of one transaction; their ids are a database setting of some kilobytes.
WORKSPACES_MAX: Final = 500

logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Retried:
    """The result of one dead letter; `reason` says why it still fails."""

    dead_letter_id: str
    outcome: Literal["resolved", "failed"]
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Retrier:
    """Retries dead letters for the API."""

    database: Database
    cache: FactsCache
    clock: Clock
    wake: Callable[[Sequence[str]], None]

    async def run(self) -> None:
        """Retry what is due until cancelled."""
        while True:
            try:
                await self.retry_due()
            except Transient as problem:
                logger.warning("dead_letters.retry_waits", problem=str(problem))
            await self.clock.sleep(SWEEP_SECONDS)

    async def retry_due(self) -> None:
        """Retry some of the dead letters that are due in each workspace."""
        async with self.database.exempt() as connection:
            names = await all_workspaces(await driver(connection))
        for start in range(0, len(names), WORKSPACES_MAX):
            async with self.database.read(names[start : start + WORKSPACES_MAX]) as connection:
                waiting = await outbox_rows.workspaces_with_due_letters(
                    await driver(connection), self.clock.now()
                )
            for workspace_id in waiting:
                await self._retry_due(workspace_id)

    async def _retry_due(self, workspace_id: str) -> None:
        now = self.clock.now()
        async with self.database.read([workspace_id]) as connection:
            letters = await outbox_rows.due_dead_letters(
                await driver(connection), now, DUE_LETTERS_MAX
            )
        for letter in letters:
            done = await self._try(letter)
            logger.info(
                "dead_letter.retried",
                workspace_id=workspace_id,
                dead_letter_id=done.dead_letter_id,
                outcome=done.outcome,
            )
            if done.outcome == "failed":
                async with self.database.write([workspace_id]) as connection:
                    await outbox_rows.postpone_dead_letter(
                        await driver(connection), letter.dead_letter_id, now
                    )
        self.wake([workspace_id])

    async def retry(self, workspace_id: str, ids: Collection[str] | None) -> list[Retried]:
        """Retry these dead letters of a workspace (None: the oldest) once each."""
        async with self.database.read([workspace_id]) as connection:
            letters = await outbox_rows.pick_dead_letters(
                await driver(connection), ids, LETTERS_MAX
            )
        found = [await self._try(letter) for letter in letters]
        self.wake([workspace_id])
        return found

    async def _try(self, letter: DeadLetter) -> Retried:
        if letter.reason == CURRENCY_MISMATCH:
            # The event is stored already. A corrected order is decided again without a retry.
            return Retried(letter.dead_letter_id, "failed", letter.reason)
        seconds = None if letter.topic == CATALOG.name else STATEMENT_SECONDS
        try:
            with data_errors():
                async with self.database.write(
                    [letter.workspace_id], statement_seconds=seconds
                ) as connection:
                    reason = await self._apply(await driver(connection), letter)
        except SET_ASIDE as fault:
            reason = str(fault)
        if reason is None:
            return Retried(letter.dead_letter_id, "resolved")
        return Retried(letter.dead_letter_id, "failed", reason)

    async def _apply(self, conn: Any, letter: DeadLetter) -> str | None:
        """Handle the record and resolve its dead letter.

        Return the reason of a failure, else None.
        """
        record = StoredRecord(
            letter.topic, letter.partition, letter.offset, letter.key, letter.value, (), 0
        )
        now = self.clock.now()
        work = await UnitOfWork.open(conn, [letter.workspace_id], self.cache, now)
        is_catalog = letter.topic == CATALOG.name
        reason = await (_take_record(work, record) if is_catalog else _take_event(work, record))
        if reason is None:
            await outbox_rows.resolve_dead_letters(conn, [letter.dead_letter_id], now)
        return reason


async def _take_event(work: UnitOfWork, record: StoredRecord) -> str | None:
    found = decode_event(record)
    if isinstance(found, Refusal):
        return found.reason
    batch = sort_records([record], [found])
    if not set(batch.workspaces) <= set(work.states):
        return "the record is of another workspace"
    outcome = await work.take_batch(batch)
    return "idempotency_conflict" if outcome.dead_lettered else None


async def _take_record(work: UnitOfWork, record: StoredRecord) -> str | None:
    found = decode_record(record)
    if isinstance(found, Refusal):
        return found.reason
    if found.workspace_id not in work.states:
        return "the record is of another workspace"
    await take_records(work, [found])
    await close_workspaces(work.conn, work.states.values())
    return None
