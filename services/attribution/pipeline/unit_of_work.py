"""The unit of work of every writer (batch, correction, retry) on locked workspaces.

Promise: counters and catalog facts are read once under the lock and stored once at the end.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Self

from msgspec import structs

from services.attribution.domain.journey import LISTED_BACK_DAYS, windows_of
from services.attribution.domain.model import CatalogFacts, Touch
from services.attribution.domain.policies import DEFAULT_POLICY
from services.attribution.domain.repeats import repeats_in
from services.attribution.domain.tallies import tally
from services.attribution.pipeline.catalog_cache import FactsCache, WorkspaceFacts
from services.attribution.pipeline.deciding import NewRows, decide_again
from services.attribution.pipeline.joining import join
from services.attribution.pipeline.record_faults import faults_of
from services.attribution.pipeline.record_sorting import Sorted
from services.attribution.pipeline.social_counts import reports_in
from services.attribution.pipeline.storing import Intake, store_batch
from services.attribution.store import catalog_rows, offset_rows, outbox_rows
from services.attribution.store.identity_rows import Keyed
from services.attribution.store.offset_rows import WorkspaceState
from services.attribution.store.outbox_rows import DeadLetter, OutboxRow
from services.attribution.store.scope_queries import Component
from shared.concurrency import gather_both
from shared.credits import CountReport, CountsReported, Tally, TouchesTallied, encode_credits
from shared.log.topics import CREDITS, DEAD_LETTER

REASON_EVIDENCE: Final = "new_evidence"
REASON_JOURNEY: Final = "journey_changed"
REASON_FACT: Final = "fact_corrected"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The counts of one transaction, for the metrics.

    `is_queued`: conversions wait for the worker.
    """

    workspaces: tuple[str, ...]
    stored: int = 0
    duplicates: int = 0
    dead_lettered: int = 0
    revisions: int = 0
    hubs: int = 0
    is_queued: bool = False


@dataclass(slots=True)
class UnitOfWork:
    """The state of the locked workspaces in one transaction."""

    conn: Any
    now: datetime
    states: dict[str, WorkspaceState]
    known: dict[str, WorkspaceFacts]
    facts: dict[str, CatalogFacts]

    @classmethod
    async def open(
        cls, conn: Any, workspaces: Sequence[str], cache: FactsCache, now: datetime
    ) -> Self:
        """Read the counters and catalog facts of the locked workspaces."""
        states = await offset_rows.open_workspaces(conn, workspaces)
        versions = {name: state.catalog_version for name, state in states.items()}
        stale = cache.stale(versions)
        records = await catalog_rows.records_after(conn, stale) if stale else {}
        known = cache.refresh(versions, records)
        return cls(conn, now, states, known, {name: item.facts for name, item in known.items()})

    def count_read(self, batch: Sorted) -> None:
        """Count the records of a batch, which were read from the events topic for the first time.

        `GET /v1/ledger/events` compares the count with what became of the events.
        """
        read = Counter(reading.workspace_id for reading in batch.readings)
        read.update(refusal.workspace_id for refusal in batch.refusals)
        for name, count in read.items():
            self.states[name].events_read += count

    async def take_batch(self, batch: Sorted) -> Outcome:
        """Store, join, decide and publish a batch of events; the caller moves the offset."""
        newest = max(state.newest_touch_at for state in self.states.values())
        intake = await store_batch(self.conn, batch, newest)
        for name, count in intake.duplicates.items():
            self.states[name].events_duplicate += count
        windows = {name: _widest(facts) for name, facts in self.facts.items()}
        # Counting touches needs no database, so it runs while the database joins.
        joined, tallies = await gather_both(
            join(self.conn, intake, windows, self.now), self._tallies(intake)
        )
        reasons = {
            (reading.workspace_id, reading.own_key): REASON_EVIDENCE
            for reading in intake.new
            if reading.own_key is not None
        }
        decided = await self.decide(joined.components, joined.alone, reasons, REASON_JOURNEY)
        await self.publish_tallies(tallies)
        await self._publish_counts(reports_in(intake))
        refusals = (*batch.refusals, *intake.conflicts)
        await self.write_letters([refusal.letter(self.now) for refusal in refusals])
        await offset_rows.close_workspaces(self.conn, self.states.values())
        return Outcome(
            workspaces=tuple(self.states),
            stored=intake.stored,
            duplicates=intake.duplicates.total(),
            dead_lettered=len(refusals),
            revisions=len(decided.revisions),
            hubs=joined.hubs,
            is_queued=joined.is_queued or decided.is_queued,
        )

    async def decide(
        self,
        components: Collection[Component],
        alone: Collection[Keyed],
        reasons: Mapping[Keyed, str],
        otherwise: str,
    ) -> NewRows:
        """Decide components and single conversions again; return what was written."""
        if not components and not alone:
            return NewRows()
        new_rows = await decide_again(
            self.conn, components, alone, self.facts, self.states, self.now, reasons, otherwise
        )
        await outbox_rows.write_outbox(self.conn, new_rows.outbox)
        await self.write_letters(new_rows.letters)
        return new_rows

    async def _tallies(self, intake: Intake) -> dict[str, tuple[Tally, ...]]:
        added: dict[str, list[Touch]] = {}
        for staged in intake.touches.values():
            added.setdefault(staged.workspace_id, []).append(staged.touch)
        removed: dict[str, list[Touch]] = {}
        for workspace, touch in intake.replaced:
            removed.setdefault(workspace, []).append(touch)
        near: dict[str, list[Touch]] = {}
        for workspace, touch in intake.near:
            near.setdefault(workspace, []).append(touch)
        for name, touches in added.items():
            newest = max(touch.occurred_at for touch in touches)
            self.states[name].newest_touch_at = max(newest, self.states[name].newest_touch_at)
        with faults_of("tally"):
            return {
                name: _counts(
                    added[name], removed.get(name, []), near.get(name, ()), self.facts[name]
                )
                for name in sorted(added)
            }

    async def publish_tallies(self, tallies: Mapping[str, tuple[Tally, ...]]) -> None:
        """Put one numbered record for each workspace into the outbox."""
        rows = [
            self._numbered(TouchesTallied, name, tallies=counts)
            for name, counts in sorted(tallies.items())
            if counts
        ]
        await outbox_rows.write_outbox(self.conn, rows)

    async def _publish_counts(self, reports: Iterable[tuple[str, Sequence[CountReport]]]) -> None:
        """Put one numbered record for each workspace and its reports into the outbox."""
        rows = [self._numbered(CountsReported, name, reports=tuple(some)) for name, some in reports]
        await outbox_rows.write_outbox(self.conn, rows)

    def _numbered(
        self, kind: type[TouchesTallied | CountsReported], name: str, **content: Any
    ) -> OutboxRow:
        """Return the next record of a workspace that no table but the outbox holds."""
        sequence, recorded_at = self.states[name].stamp(self.now)
        record = kind(workspace_id=name, sequence=sequence, recorded_at=recorded_at, **content)
        value = encode_credits(record)
        return OutboxRow(name, CREDITS.name, name.encode(), value, archived_sequence=sequence)

    async def write_letters(self, letters: Sequence[DeadLetter]) -> None:
        """Store dead letters, and put the new ones into the outbox."""
        fresh = await outbox_rows.write_dead_letters(self.conn, letters)
        rows = [
            OutboxRow(letter.workspace_id, DEAD_LETTER.name, letter.key, letter.value)
            for letter in letters
            if letter.dead_letter_id in fresh
        ]
        await outbox_rows.write_outbox(self.conn, rows)


def _counts(
    added: list[Touch], removed: list[Touch], near: Collection[Touch], facts: CatalogFacts
) -> tuple[Tally, ...]:
    """Count new touches, less removed ones. `near` are the stored clicks next to them.

    A stored click that is a repeat now was counted before, and is counted apart now.
    """
    found = repeats_in(added, near)
    turned = list(found.turned)
    repeats = found.new.union(touch.touch_id for touch in turned)
    return tally(added + turned, facts, taken_back=removed + turned, repeats=repeats)


def merged(tallies: Collection[Tally]) -> tuple[Tally, ...]:
    """Return the sums of tallies of the same slot; sums of zero are left out."""
    sums: dict[tuple[str, str, str, datetime, str, str], Tally] = {}
    for item in tallies:
        slot = (
            item.account,
            item.kind,
            item.stage,
            item.quarter_at,
            item.link_id or "",
            item.code or "",
        )
        found = sums.get(slot)
        sums[slot] = item if found is None else _sum_of(found, item)
    return tuple(found for _, found in sorted(sums.items()) if found.counted or found.flagged)


def _sum_of(one: Tally, other: Tally) -> Tally:
    """Return the sum of two tallies of one slot."""
    return structs.replace(
        one, counted=one.counted + other.counted, flagged=one.flagged + other.flagged
    )


def _widest(facts: CatalogFacts) -> timedelta:
    """Return the longest time between a candidate and its conversion, under any policy."""
    policies = (DEFAULT_POLICY, *facts.policies)
    days = (days for policy in policies for days in windows_of(policy).values())
    return timedelta(days=max(*days, LISTED_BACK_DAYS))
