"""The judge of a simulation: checks after every commit and at the end, and the canonical dump.

Promise: the expected state at the end comes from the records on the log, the published catalog
and the pure core, not from the services. The dump leaves out only numbers that Postgres assigns
(the positions in the outbox), so two runs of a seed can be compared.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from msgspec.structs import replace

from services.attribution.domain.listing import listed
from services.attribution.domain.model import Decision
from services.attribution.pipeline.record_sorting import CONFLICT, UNUSABLE
from services.attribution.wire.decision_bytes import decode_decision
from services.attribution.wire.event_readings import read
from shared.catalog import AnyCatalogRecord, CatalogRejected, decode_catalog
from shared.credits import ORGANIC, AnyCredits, TouchesTallied, decode_credits
from shared.events import AnyEvent, EventRejected, decode_event
from shared.log.memory import MemoryBroker
from shared.log.port import Record, StoredRecord
from shared.log.topics import CATALOG, CREDITS, DEAD_LETTER, EVENTS, Topic
from tests.integration.attribution import oracle
from tests.simulation.judge_queries import (
    DEAD_LETTERS,
    DECIDED,
    FOLDED,
    FOLDED_TALLIES,
    LEDGER,
    LEDGER_DATED,
    OFFSETS,
    PENDING,
    ROLLUPS_DATED,
    ROLLUPS_DIFFER,
    UNBALANCED,
)
from tests.simulation.seed_databases import CLEARED

NIL: Final = str(UUID(int=0))


@dataclass
class Judge:
    """The checks of one seed on its broker and its database."""

    conn: Any
    broker: MemoryBroker
    workspaces: Sequence[str]
    catalog: Sequence[Record]
    unusable: frozenset[str]
    seen: Counter[str] = field(default_factory=Counter)
    _offsets: dict[tuple[str, int], int] = field(default_factory=dict)

    async def after_commit(self, *, is_ledger_moved: bool) -> None:
        """Check invariants I6 (offsets) and I4 (balance)."""
        stored = await self._stored_offsets()
        back = {at: (was, stored[at]) for at, was in self._offsets.items() if stored[at] < was}
        assert not back, f"offsets went back: {back}"
        self._offsets = stored
        if not is_ledger_moved:
            return
        wrong = await self.conn.fetch(UNBALANCED)
        assert not wrong, f"credits that are not the net: {[tuple(row) for row in wrong]}"

    async def _stored_offsets(self) -> dict[tuple[str, int], int]:
        return {(row[0], row[1]): row[2] for row in await self.conn.fetch(OFFSETS)}

    async def is_at_rest(self) -> bool:
        """Return whether every record is processed and every result is on the log."""
        if await self.conn.fetchval(PENDING):
            return False
        stored = await self._stored_offsets()
        return all(
            stored.get((topic.name, partition), 0) == end
            for topic in (EVENTS, CATALOG, CREDITS)
            for partition, (_, end) in self.broker.offset_ranges(topic).items()
        )

    async def at_the_end(self) -> None:
        """Check everything that must hold at the end."""
        events = await self._intake()
        await self._published_letters()
        decided = {
            workspace: oracle.decisions(workspace, events, self._records(workspace)).values()
            for workspace in self.workspaces
        }
        await self._net(decided)
        await self._decisions(decided)
        credits = await self._sequences()
        await self._tallies(events, credits)
        await self._fold(credits)
        await self._days(decided)

    def on_the_log(self, topic: Topic) -> list[StoredRecord]:
        """Return the kept records of a topic, partition by partition."""
        return [
            record
            for partition, (low, end) in self.broker.offset_ranges(topic).items()
            for record in self.broker.read(topic, partition, low, end)
        ]

    async def _intake(self) -> list[AnyEvent]:
        """Check: read = stored + duplicate + dead-lettered. Return the stored events."""
        first: dict[tuple[str, str], bytes] = {}
        events: list[AnyEvent] = []
        letters: set[tuple[int, int, str]] = set()
        for record in self.on_the_log(EVENTS):
            self.seen["read"] += 1
            reason = self._rejection(record, first, events)
            if reason is not None:
                letters.add((record.partition, record.offset, reason))
        self.seen["stored"], self.seen["dead"] = len(events), len(letters)
        self.seen["repeated"] = self.seen["read"] - len(events) - len(letters)
        self.seen["late by its own time"] = sum(map(_is_earlier, events, events[1:]))
        rows = await self.conn.fetch(
            "SELECT partition, record_offset, reason FROM attribution.dead_letters"
            " WHERE topic = $1 AND partition >= 0",
            EVENTS.name,
        )
        found = {tuple(row) for row in rows}
        assert found == letters, f"dead letters differ: {sorted(found ^ letters)}"
        assert len(rows) == len(found), "a record became two dead letters"
        ids = await self.conn.fetch(
            "SELECT event_id::text FROM attribution.touches WHERE NOT derived"
            " UNION ALL SELECT event_id::text FROM attribution.evidence"
        )
        stored = Counter(row[0] for row in ids)
        assert stored == Counter(event.event_id for event in events), "stored events differ"
        return events

    async def _published_letters(self) -> None:
        """Check that every dead letter is on its topic."""
        kept = Counter((row[0], row[1]) for row in await self.conn.fetch(DEAD_LETTERS))
        published = Counter((record.key, record.value) for record in self.on_the_log(DEAD_LETTER))
        assert kept.keys() == published.keys(), "dead letters and their topic differ"
        assert not kept - published, "a dead letter was not published"

    def _rejection(
        self,
        record: StoredRecord,
        first: dict[tuple[str, str], bytes],
        events: list[AnyEvent],
    ) -> str | None:
        """Return why a record is a dead letter, or None. Add a new event to `events`."""
        try:
            event, reading = decode_event(record.value), read(record.value)
        except EventRejected as error:
            return error.reason.value
        if event.event_id in self.unusable:
            return UNUSABLE
        at = (event.workspace_id, event.event_id)
        if at not in first:
            first[at] = reading.fingerprint
            events.append(event)
        elif first[at] != reading.fingerprint:
            return CONFLICT
        return None

    async def _net(self, decided: Mapping[str, Collection[Decision]]) -> None:
        """Check I3: the net ledger is equal to that of the pure core."""
        found: Counter[Any] = Counter()
        for row in await self.conn.fetch(LEDGER):
            found[tuple(row)[:5]] += row[5]
        found = Counter({key: minor for key, minor in found.items() if minor})
        expected: Counter[Any] = Counter()
        for workspace, decisions in decided.items():
            ledger = oracle.net_of(decisions)
            expected.update({(workspace, *account): minor for account, minor in ledger.items()})
        differing = {k for k in found.keys() | expected.keys() if found[k] != expected[k]}
        shown = [(key, found[key], expected[key]) for key in sorted(differing, key=str)]
        assert not differing, f"(account, ledger, oracle): {shown}"
        self.seen["credited"] = len(found)

    async def _decisions(self, decided: Mapping[str, Collection[Decision]]) -> None:
        """Check I12: each stored decision is that of the core, with its candidates and reasons.

        The pseudonym of a person without a customer depends on the clicks in the component. So
        pseudonyms may differ, but two of them must be equal in both or in none.
        """
        found = {(row[0], row[1]): row[2] for row in await self.conn.fetch(DECIDED)}
        for workspace, decisions in decided.items():
            people: set[tuple[str, str]] = set()
            for expected in map(listed, decisions):
                stored = decode_decision(found[workspace, expected.conversion_id])
                people.add((stored.person_ref, expected.person_ref))
                stored = replace(stored, person_ref=expected.person_ref)
                assert stored == expected, f"stored {stored}, the core has {expected}"
            for people_of in zip(*people, strict=True):
                assert len(set(people_of)) == len(people), f"people are mixed up: {people}"
        self.seen["decided"] = len(found)

    def _records(self, workspace: str) -> list[AnyCatalogRecord]:
        found = []
        for record in self.catalog:
            try:
                found.append(decode_catalog(record.value))
            except CatalogRejected:
                continue
        return [record for record in found if record.workspace_id == workspace]

    async def _sequences(self) -> list[AnyCredits]:
        """Check that sequences have no gap, order and one content each. Return each record once."""
        once: dict[tuple[str, int], bytes] = {}
        last: Counter[str] = Counter()
        credits: list[AnyCredits] = []
        for stored in self.on_the_log(CREDITS):
            record = decode_credits(stored.value)
            at = (record.workspace_id, record.sequence)
            if at in once:
                assert once[at] == stored.value, f"{at} was published with two contents"
                continue
            assert record.sequence == last[record.workspace_id] + 1, f"{at} came out of order"
            once[at] = stored.value
            last[record.workspace_id] = record.sequence
            credits.append(record)
        rows = await self.conn.fetch(
            "SELECT workspace_id::text, last_sequence FROM attribution.workspaces"
            " WHERE last_sequence > 0"
        )
        assert dict(map(tuple, rows)) == dict(last), "numbers were assigned and not published"
        _moments_rise(credits)
        return credits

    async def _tallies(self, events: Sequence[AnyEvent], credits: Iterable[AnyCredits]) -> None:
        """Check that the touch counts, published and in roi, are equal to those of the core."""
        found: Counter[Any] = Counter()
        for record in credits:
            if isinstance(record, TouchesTallied):
                _add_tallies(found, record.workspace_id, record.tallies)
        expected: Counter[Any] = Counter()
        for workspace in self.workspaces:
            counted = oracle.tallies(workspace, events, self._records(workspace))
            _add_tallies(expected, workspace, counted)
        differing = {k for k in found.keys() | expected.keys() if found[k] != expected[k]}
        assert not differing, f"touch counts differ: {sorted(differing, key=str)}"
        folded: Counter[Any] = Counter()
        for row in await self.conn.fetch(FOLDED_TALLIES):
            workspace, account, *slot, counted, flagged = tuple(row)
            name = ORGANIC if account == NIL else account
            folded[workspace, name, *slot, "counted"] = counted
            folded[workspace, name, *slot, "flagged"] = flagged
        differing = {k for k in folded.keys() | expected.keys() if folded[k] != expected[k]}
        assert not differing, f"folded touch counts differ: {sorted(differing, key=str)}"

    async def _fold(self, credits: Sequence[AnyCredits]) -> None:
        """Check that roi's entries are the ledger and its rollups are the sums of its entries."""
        waiting = await self.conn.fetchval("SELECT count(*) FROM roi.waiting_credits")
        gaps = await self.conn.fetchval(
            "SELECT count(*) FROM roi.folds WHERE missing_sequence IS NOT NULL"
        )
        assert (waiting, gaps) == (0, 0), "roi waits for numbers"
        folded = await self.conn.fetchval("SELECT count(*) FROM roi.folded_records")
        assert folded == len(credits), f"{folded} records folded, {len(credits)} published"
        ledger = _nonzero(await self.conn.fetch(LEDGER))
        entries = _nonzero(await self.conn.fetch(FOLDED))
        assert ledger == entries, (
            f"roi's entries differ: {set(ledger.items()) ^ set(entries.items())}"
        )
        for name, statement in ROLLUPS_DIFFER.items():
            wrong = await self.conn.fetch(statement)
            assert not wrong, f"{name} differ from the entries: {[tuple(r) for r in wrong][:5]}"

    async def _days(self, decided: Mapping[str, Collection[Decision]]) -> None:
        """Check that ledger and rollups have each amount on the latest day of its order."""
        by_order: Counter[Any] = Counter()
        for workspace, decisions in decided.items():
            for (basis, day, order, model, account, currency), minor in oracle.dated_net_of(
                decisions
            ).items():
                key = (workspace, basis, day, order, model, _account(str(account)), currency)
                by_order[key] += minor
        self._same("ledger", _dated(await self.conn.fetch(LEDGER_DATED)), by_order)
        by_day: Counter[Any] = Counter()
        for (workspace, basis, day, _, *account), minor in by_order.items():
            by_day[workspace, basis, day, None, *account] += minor
        by_day = Counter({key: minor for key, minor in by_day.items() if minor})
        for rollups in ("rollups", "rollups_history"):
            rows = await self.conn.fetch(ROLLUPS_DATED.format(rollups=rollups))
            self._same(rollups, _dated(rows), by_day)
        self.seen["days"] = len({(key[0], key[2]) for key in by_day})

    @staticmethod
    def _same(what: str, found: Counter[Any], expected: Counter[Any]) -> None:
        differing = {k for k in found.keys() | expected.keys() if found[k] != expected[k]}
        shown = [(key, found[key], expected[key]) for key in sorted(differing, key=str)]
        assert not differing, f"{what} by day: (account, found, oracle): {shown[:5]}"

    async def dump(self, trace: Sequence[str]) -> str:
        """Return in a fixed order: the trace, the records of all topics, the rows of all tables."""
        lines = ["# trace", *trace]
        for topic in (EVENTS, CATALOG, CREDITS, DEAD_LETTER):
            lines.append(f"# {topic.name}")
            lines += [
                f"{r.partition}/{r.offset} {r.appended_at_ms} {r.key!r} {r.value!r} {r.headers!r}"
                for r in self.on_the_log(topic)
            ]
        for table in CLEARED:
            if table != "attribution.outbox":
                rows = await self.conn.fetch(f"SELECT t::text FROM {table} AS t ORDER BY 1")
                lines += [f"# {table}", *(row[0] for row in rows)]
        return "\n".join(lines) + "\n"


def _is_earlier(before: AnyEvent, event: AnyEvent) -> bool:
    return event.occurred_at < before.occurred_at


def _moments_rise(credits: Iterable[AnyCredits]) -> None:
    last: dict[str, Any] = {}
    for record in credits:
        before = last.get(record.workspace_id)
        assert before is None or before < record.recorded_at, "recorded_at did not rise"
        last[record.workspace_id] = record.recorded_at


def _add_tallies(counts: Counter[Any], workspace: str, tallies: Iterable[Any]) -> None:
    for item in tallies:
        slot = (workspace, item.account, item.kind, item.stage, item.quarter_at)
        counts[*slot, "counted"] += item.counted
        counts[*slot, "flagged"] += item.flagged


def _nonzero(rows: Iterable[Mapping[Any, Any]]) -> dict[Any, int]:
    """Return the net amounts by account that are not 0."""
    found: Counter[Any] = Counter()
    for row in rows:
        workspace, natural_id, model, account, currency, minor = tuple(row)
        found[workspace, natural_id, model, _account(account), currency] += minor
    return {key: minor for key, minor in found.items() if minor}


def _dated(rows: Iterable[Mapping[Any, Any]]) -> Counter[Any]:
    """Return the amounts by day and account that are not 0."""
    found: Counter[Any] = Counter()
    for row in rows:
        *key, account, currency, minor = tuple(row)
        found[*key, _account(account), currency] += minor
    return Counter({key: minor for key, minor in found.items() if minor})


def _account(account: str) -> str:
    return NIL if account == ORGANIC else str(UUID(account))
