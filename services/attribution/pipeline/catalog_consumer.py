"""The consumer of `laurel.catalog`: store records and API keys, and queue what they change.

Promise: records, corrected touch counts, the queue of conversions to decide again and the offset
are written in one transaction under the locks of the workspaces. An older or repeated record
changes nothing. A record for which a transaction fails becomes a dead letter, and its neighbours
are handled.
"""

from collections.abc import Callable, Mapping, Sequence

from typing_extensions import override

from services.attribution.pipeline import corrections
from services.attribution.pipeline.catalog_cache import FactsCache
from services.attribution.pipeline.division import Division
from services.attribution.pipeline.record_faults import faults_of
from services.attribution.pipeline.record_sorting import Refusal, refuse
from services.attribution.pipeline.unit_of_work import UnitOfWork
from services.attribution.store import catalog_rows as store
from services.attribution.store.offset_rows import close_workspaces, move_offset, stored_offsets
from shared.catalog import AnyCatalogRecord, ApiKey, CatalogRejected, decode_catalog
from shared.clock import Clock
from shared.concurrency import map_in_slices
from shared.db.data_faults import data_errors
from shared.db.engine import Database, driver
from shared.log.loop import BatchHandler
from shared.log.port import StoredRecord
from shared.log.topics import CATALOG
from shared.telemetry import Metric, Telemetry

NOT_A_RECORD = "not_a_catalog_record"


class CatalogHandler(BatchHandler[Sequence[AnyCatalogRecord | Refusal]]):
    """The batch handler of `laurel.catalog`.

    `wake` gets the workspaces that have something to publish or to decide again.
    """

    def __init__(
        self,
        database: Database,
        cache: FactsCache,
        clock: Clock,
        telemetry: Telemetry,
        wake: Callable[[Sequence[str]], None],
    ) -> None:
        self._database = database
        self._cache = cache
        self._clock = clock
        self._telemetry = telemetry
        self._wake = wake
        # A correction reads and queues all that it touches, so it has the time of the role.
        self._division = Division(self._transact, None)

    @override
    async def stored_offsets(self) -> Mapping[int, int]:
        async with self._database.exempt() as conn:
            return await stored_offsets(await driver(conn), CATALOG.name)

    @override
    async def decode(self, records: Sequence[StoredRecord]) -> Sequence[AnyCatalogRecord | Refusal]:
        return await map_in_slices(decode_record, records)

    @override
    async def handle(
        self,
        partition: int,
        expected_offset: int,
        records: Sequence[StoredRecord],
        decoded: Sequence[AnyCatalogRecord | Refusal],
    ) -> None:
        whole = self._transact(partition, expected_offset, records, decoded, None)
        await self._division.handle(partition, expected_offset, records, decoded, whole)

    async def _transact(
        self,
        partition: int,
        expected_offset: int,
        records: Sequence[StoredRecord],
        decoded: Sequence[AnyCatalogRecord | Refusal],
        seconds: float | None,
    ) -> None:
        started = self._clock.monotonic()
        entities = [found for found in decoded if not isinstance(found, Refusal)]
        refusals = [found for found in decoded if isinstance(found, Refusal)]
        named = {record.workspace_id for record in entities}
        workspaces = sorted(named | {refusal.workspace_id for refusal in refusals})
        next_offset = records[-1].next_offset
        with data_errors():
            async with self._database.write(workspaces, statement_seconds=seconds) as connection:
                conn = await driver(connection)
                await move_offset(conn, CATALOG.name, partition, expected_offset, next_offset)
                work = await UnitOfWork.open(conn, workspaces, self._cache, self._clock.now())
                newer = await take_records(work, entities)
                await work.write_letters([refusal.letter(work.now) for refusal in refusals])
                await close_workspaces(conn, work.states.values())
        self._wake(workspaces)
        counts = {
            "stored": newer,
            "duplicate": len(entities) - newer,
            "dead_lettered": len(refusals),
        }
        for name, count in counts.items():
            self._telemetry.count(Metric.BATCH_RECORDS, count, topic=CATALOG.name, outcome=name)
        seconds = self._clock.monotonic() - started
        self._telemetry.observe(Metric.BATCH_SECONDS, seconds, topic=CATALOG.name)
        self._telemetry.set(Metric.OFFSET, next_offset, topic=CATALOG.name, partition=partition)


async def take_records(work: UnitOfWork, entities: Sequence[AnyCatalogRecord]) -> int:
    """Store the newer records, apply their corrections, and return how many were newer."""
    newest: dict[tuple[str, str], AnyCatalogRecord] = {}
    for record in entities:
        at = (record.workspace_id, record.id)
        if at not in newest or newest[at].revision < record.revision:
            newest[at] = record
    stored = await store.read_records(work.conn, newest) if newest else {}
    newer = [
        record
        for at, record in sorted(newest.items())
        if at not in stored or stored[at].revision < record.revision
    ]
    if not newer:
        return 0
    for name in {record.workspace_id for record in newer}:
        work.states[name].catalog_version += 1
    versions = [(record, work.states[record.workspace_id].catalog_version) for record in newer]
    await store.upsert_records(work.conn, versions)
    await store.upsert_keys(work.conn, [r for r in newer if isinstance(r, ApiKey)])
    await _correct(work, newer)
    return len(newer)


async def _correct(work: UnitOfWork, newer: Sequence[AnyCatalogRecord]) -> None:
    tallies = {}
    for name in sorted({record.workspace_id for record in newer}):
        own = [record for record in newer if record.workspace_id == name]
        with faults_of("correct"):
            correction = corrections.correct(work.known[name], name, own)
        await corrections.queue_recomputes(work.conn, correction)
        tallies[name] = await corrections.moved_tallies(work.conn, correction)
    await work.publish_tallies(tallies)


def decode_record(record: StoredRecord) -> AnyCatalogRecord | Refusal:
    """Return the catalog record of a log record, or the reason why it cannot be used."""
    try:
        return decode_catalog(record.value)
    except CatalogRejected as error:
        return refuse(record, NOT_A_RECORD, str(error))
