"""The judge: what must hold after every commit and at the end, and the canonical dump by which two runs of a seed are compared.

Promise: at the end it knows nothing of how the services work: what is expected is told from the records on the log, the catalog as it was
published and the pure core. The dump leaves out only what Postgres numbers by itself (places in the outbox).
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final
from uuid import UUID

from services.attribution.domain.model import Decision
from services.attribution.pipeline.records import CONFLICT, UNUSABLE
from services.attribution.wire.decisions import decode_decision
from services.attribution.wire.events import read
from shared.catalog import AnyCatalogRecord, CatalogRejected, decode_catalog
from shared.credits import ORGANIC, AnyCredits, TouchesTallied, decode_credits
from shared.events import AnyEvent, EventRejected, decode_event
from shared.log.memory import MemoryBroker
from shared.log.port import Record, StoredRecord
from shared.log.topics import CATALOG, CREDITS, DEAD_LETTER, EVENTS, Topic
from tests.integration.attribution import oracle
from tests.simulation.seed_databases import CLEARED

# Per conversion and model that adds up: the credit is the net, or none where the model is not asked for any more.
UNBALANCED: Final = """
SELECT c.natural_id, c.net_minor, l.model, sum(l.amount_minor)::bigint
FROM attribution.conversions AS c JOIN attribution.ledger AS l USING (own_key, workspace_id)
GROUP BY c.own_key, c.workspace_id, c.natural_id, c.net_minor, l.model
HAVING sum(l.amount_minor) NOT IN (c.net_minor, 0) OR (sum(l.amount_minor) = 0 AND sum(l.units) <> 0 AND c.net_minor <> 0)
"""
LEDGER: Final = """
SELECT c.workspace_id::text, c.natural_id, l.model, l.account, l.currency, sum(l.amount_minor)::bigint
FROM attribution.ledger AS l JOIN attribution.conversions AS c USING (own_key, workspace_id)
GROUP BY 1, 2, 3, 4, 5
"""
FOLDED: Final = """
SELECT workspace_id::text, natural_id, model, account::text, currency, sum(amount_minor)::bigint
FROM roi.credit_entries GROUP BY 1, 2, 3, 4, 5
"""
# (workspace, basis of time, day, order, model, account, currency) to minor units, of both services.
LEDGER_DATED: Final = """
SELECT c.workspace_id::text, b.basis, (b.moment AT TIME ZONE 'UTC')::date, c.natural_id, l.model, l.account, l.currency,
       sum(l.amount_minor)::bigint
FROM attribution.ledger AS l JOIN attribution.conversions AS c USING (own_key, workspace_id)
CROSS JOIN LATERAL (VALUES
    ('conversion_time', l.occurred_at), ('touch_time', coalesce(l.touched_at, l.occurred_at))) AS b (basis, moment)
GROUP BY 1, 2, 3, 4, 5, 6, 7
"""
# Rollups do not know orders.
ROLLUPS_DATED: Final = """
SELECT workspace_id::text, basis, bucket_on, NULL, model, account::text, nullif(currency, ''), sum(amount_minor)::bigint
FROM roi.{rollups} GROUP BY 1, 2, 3, 5, 6, 7
"""
RESTLESS: Final = """
SELECT (SELECT count(*) FROM attribution.outbox) + (SELECT count(*) FROM attribution.recomputes)
"""
OFFSETS: Final = """
SELECT topic, partition, next_offset FROM attribution.offsets UNION ALL SELECT topic, partition, next_offset FROM roi.offsets
"""
DECIDED: Final = (
    "SELECT c.workspace_id::text, c.conversion_id::text, d.body FROM attribution.conversions AS c"
    " JOIN attribution.decisions AS d USING (own_key, revision, workspace_id)"
)
FOLDED_TALLIES: Final = """
SELECT workspace_id::text, account::text, touch_kind, stage, quarter_at, sum(counted)::bigint, sum(flagged)::bigint
FROM roi.touch_tallies GROUP BY 1, 2, 3, 4, 5
"""
LETTERS: Final = "SELECT key, value FROM attribution.dead_letters"
NIL: Final = str(UUID(int=0))


@dataclass
class Judge:
    """Looks at one seed's broker and database."""

    conn: Any
    broker: MemoryBroker
    workspaces: Sequence[str]
    catalog: Sequence[Record]
    unusable: frozenset[str]
    seen: Counter[str] = field(default_factory=Counter)
    _offsets: dict[tuple[str, int], int] = field(default_factory=dict)

    async def after_commit(self, *, is_ledger_moved: bool) -> None:
        """I6 and I4 at every moment."""
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
        """Whether everything on the log is worked off, and everything that follows from it is on the log."""
        if await self.conn.fetchval(RESTLESS):
            return False
        stored = await self._stored_offsets()
        return all(
            stored.get((topic.name, partition), 0) == end
            for topic in (EVENTS, CATALOG, CREDITS)
            for partition, (_, end) in self.broker.edges(topic).items()
        )

    async def at_the_end(self) -> None:
        """Everything that must hold when all is told."""
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
        """What is kept of a topic, partition by partition."""
        return [
            record
            for partition, (low, end) in self.broker.edges(topic).items()
            for record in self.broker.read(topic, partition, low, end)
        ]

    async def _intake(self) -> list[AnyEvent]:
        """Records read = stored + duplicate + dead-lettered, each where it belongs; the answer is what stands."""
        first: dict[tuple[str, str], bytes] = {}
        events: list[AnyEvent] = []
        letters: set[tuple[int, int, str]] = set()
        for record in self.on_the_log(EVENTS):
            self.seen["read"] += 1
            reason = self._judged(record, first, events)
            if reason is not None:
                letters.add((record.partition, record.offset, reason))
        self.seen["stored"], self.seen["dead"] = len(events), len(letters)
        self.seen["repeated"] = self.seen["read"] - len(events) - len(letters)
        self.seen["late by its own time"] = sum(map(_is_earlier, events, events[1:]))
        rows = await self.conn.fetch(
            "SELECT partition, record_offset, reason FROM attribution.dead_letters WHERE topic = $1 AND partition >= 0",
            EVENTS.name,
        )
        found = {tuple(row) for row in rows}
        assert found == letters, f"dead letters differ: {sorted(found ^ letters)}"
        assert len(rows) == len(found), "a record became two letters"
        ids = await self.conn.fetch(
            "SELECT event_id::text FROM attribution.touches WHERE NOT derived"
            " UNION ALL SELECT event_id::text FROM attribution.evidence"
        )
        stored = Counter(row[0] for row in ids)
        assert stored == Counter(event.event_id for event in events), "stored events differ"
        return events

    async def _published_letters(self) -> None:
        """Whoever listens to the log hears of every dead letter."""
        kept = Counter((row[0], row[1]) for row in await self.conn.fetch(LETTERS))
        published = Counter((record.key, record.value) for record in self.on_the_log(DEAD_LETTER))
        assert kept.keys() == published.keys(), "dead letters and their topic differ"
        assert not kept - published, "a dead letter was not published"

    def _judged(
        self,
        record: StoredRecord,
        first: dict[tuple[str, str], bytes],
        events: list[AnyEvent],
    ) -> str | None:
        """Why a record is a dead letter, or None; what is new joins `events`."""
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
        """I3: the net ledger is the pure core's, whatever happened on the way."""
        found: Counter[Any] = Counter()
        for row in await self.conn.fetch(LEDGER):
            found[tuple(row)[:5]] += row[5]
        found = Counter({key: minor for key, minor in found.items() if minor})
        expected: Counter[Any] = Counter()
        for workspace, decisions in decided.items():
            books = oracle.net_of(decisions)
            expected.update({(workspace, *account): minor for account, minor in books.items()})
        differing = {k for k in found.keys() | expected.keys() if found[k] != expected[k]}
        told = [(key, found[key], expected[key]) for key in sorted(differing, key=str)]
        assert not differing, f"(account, ledger, oracle): {told}"
        self.seen["credited"] = len(found)

    async def _decisions(self, decided: Mapping[str, Collection[Decision]]) -> None:
        """I12: what explains each conversion is the core's own explanation, candidates and reasons included. Of a person without a customer
        the pseudonym is made of the clicks in the scope, so there only who is one person with whom must agree."""
        found = {(row[0], row[1]): row[2] for row in await self.conn.fetch(DECIDED)}
        for workspace, decisions in decided.items():
            people: set[tuple[str, str]] = set()
            for expected in decisions:
                stored = decode_decision(found[workspace, expected.conversion_id])
                people.add((stored.person_ref, expected.person_ref))
                stored = replace(stored, person_ref=expected.person_ref)
                assert stored == expected, f"explained {stored}, the core says {expected}"
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
        """Numbers are whole, in order and each says one thing; the answer is each record once."""
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
            "SELECT workspace_id::text, last_sequence FROM attribution.workspaces WHERE last_sequence > 0"
        )
        assert dict(map(tuple, rows)) == dict(last), "numbers were given out that nobody published"
        _moments_rise(credits)
        return credits

    async def _tallies(self, events: Sequence[AnyEvent], credits: Iterable[AnyCredits]) -> None:
        """The published touch counts add up to the core's, and so do those that roi folded."""
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
            spelt = ORGANIC if account == NIL else account
            folded[workspace, spelt, *slot, "counted"] = counted
            folded[workspace, spelt, *slot, "flagged"] = flagged
        differing = {k for k in folded.keys() | expected.keys() if folded[k] != expected[k]}
        assert not differing, f"folded touch counts differ: {sorted(differing, key=str)}"

    async def _fold(self, credits: Sequence[AnyCredits]) -> None:
        """roi's entries are the ledger, nothing waits, and its rollups are the sums of its entries."""
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
        """Ledger and rollups hold each order's money on the order's own day, however often its time was corrected."""
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
        told = [(key, found[key], expected[key]) for key in sorted(differing, key=str)]
        assert not differing, f"{what} by day: (account, found, oracle): {told[:5]}"

    async def dump(self, trace: Sequence[str]) -> str:
        """Everything that a run left, in one order: the trace, the records of every topic, the rows of every table."""
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
    """Net amounts by account, however an account is spelt."""
    found: Counter[Any] = Counter()
    for row in rows:
        workspace, natural_id, model, account, currency, minor = tuple(row)
        found[workspace, natural_id, model, _account(account), currency] += minor
    return {key: minor for key, minor in found.items() if minor}


def _dated(rows: Iterable[Mapping[Any, Any]]) -> Counter[Any]:
    """Amounts by day and account, zeros left out."""
    found: Counter[Any] = Counter()
    for row in rows:
        *key, account, currency, minor = tuple(row)
        found[*key, _account(account), currency] += minor
    return Counter({key: minor for key, minor in found.items() if minor})


def _account(account: str) -> str:
    return NIL if account == ORGANIC else str(UUID(account))


# Each rollup against the raw rows that it sums, both ways round.
_CREDITS: Final = """
SELECT {bucket} AS bucket_on, e.workspace_id, b.basis, e.model, {day} AS recorded_day, e.account, e.stage, e.conversion_kind,
       coalesce(e.currency, '') AS currency, sum(e.amount_minor)::bigint AS amount_minor, sum(e.units)::bigint AS units
FROM roi.credit_entries AS e CROSS JOIN LATERAL (VALUES
    ('conversion_time', e.occurred_at), ('touch_time', coalesce(e.touched_at, e.occurred_at))) AS b (basis, moment)
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
"""
_TOUCHES: Final = """
SELECT {bucket} AS bucket_on, workspace_id, touch_kind, {day} AS recorded_day, account, stage, sum(counted)::bigint AS counted,
       sum(flagged)::bigint AS flagged
FROM roi.touch_tallies GROUP BY 1, 2, 3, 4, 5, 6
"""
_CREDITS_COLUMNS: Final = "bucket_on, workspace_id, basis, model, {day} AS recorded_day, account, stage, conversion_kind, currency, amount_minor, units"
_TOUCHES_COLUMNS: Final = (
    "bucket_on, workspace_id, touch_kind, {day} AS recorded_day, account, stage, counted, flagged"
)


def _differ(table: str, raw: str, columns: str, *, unit: str, moment: str, is_history: bool) -> str:
    bucket = f"date_trunc('{unit}', {moment} AT TIME ZONE 'UTC')::date"
    day = "recorded_day" if is_history else "NULL::date"
    sums = raw.format(bucket=bucket, day=day)
    rows = f"SELECT {columns.format(day=day)} FROM roi.{table}"
    return f"(({sums}) EXCEPT ({rows})) UNION ALL (({rows}) EXCEPT ({sums}))"


ROLLUPS_DIFFER: Final = {
    f"{stem}{twin}": _differ(
        f"{stem}{twin}",
        raw,
        columns,
        unit="month" if twin == "_monthly" else "day",
        moment=moment,
        is_history=twin == "_history",
    )
    for stem, raw, columns, moment in (
        ("rollups", _CREDITS, _CREDITS_COLUMNS, "b.moment"),
        ("touch_rollups", _TOUCHES, _TOUCHES_COLUMNS, "quarter_at"),
    )
    for twin in ("", "_monthly", "_history")
}
