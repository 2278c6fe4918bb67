"""Replay: publish stored credits records of a workspace again, with their old numbers.

A decision record is built from the stored decision and its ledger lines; a record of tallies or
counts is stored as it was sent. Readers drop a number that they have, or correct its dates.

Promise: one call publishes one bounded span of numbers through the outbox, in one transaction under
the workspace's lock. Batches run between the calls. A record equals the first one.
What can go wrong: a number is missing if its tallies were sent by a release that did not store
them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from msgspec import structs

from services.attribution.domain.ledger import memos, post
from services.attribution.domain.model import Decision
from services.attribution.pipeline.deciding import credits_record
from services.attribution.store import outbox_rows, read_queries
from services.attribution.store import published_rows as store
from services.attribution.store.outbox_rows import OutboxRow
from services.attribution.store.published_rows import NumberedDecision
from services.attribution.wire.decision_bytes import decode_decision
from shared.credits import CreditEntry, DecisionCredited, encode_credits
from shared.db.engine import Database, driver
from shared.log.topics import CREDITS

# As many as are read and written in 250 ms, the longest time to hold the lock of a workspace.
RECORDS_MAX: Final = 500
TALLIES_BYTES_MAX: Final = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Span:
    """The numbers from `first` to `last` that one call published, without the `missing` ones.

    Tallies that are in the outbox for the first time are neither published nor missing: the relay
    sends them.
    """

    first: int
    last: int
    newest: int
    published: int
    missing: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Publisher:
    """Publishes records again for the API. `wake` gets the workspaces with new outbox records."""

    database: Database
    wake: Callable[[Sequence[str]], None]
    records_max: int = RECORDS_MAX

    async def publish(self, workspace_id: str, first: int) -> Span:
        """Put the next records, from number `first` on, into the outbox."""
        async with self.database.write([workspace_id]) as connection:
            conn = await driver(connection)
            newest = await read_queries.last_sequence(conn, workspace_id)
            last = min(newest, first + self.records_max - 1)
            # The outbox is read first: the relay may move a row from it to the sent tallies.
            waiting = await outbox_rows.read_waiting(conn, first, last)
            tallies, is_all = await store.read_tallies(conn, first, last, TALLIES_BYTES_MAX)
            if not is_all:
                last = max(tallies)
            decided = await store.read_decisions(conn, first, last)
            values = {
                item.sequence: encode_credits(_record(workspace_id, item)) for item in decided
            }
            values |= tallies
            rows = [
                OutboxRow(workspace_id, CREDITS.name, workspace_id.encode(), values[sequence])
                for sequence in sorted(values)
            ]
            await outbox_rows.write_outbox(conn, rows)
        self.wake([workspace_id])
        known = values.keys() | waiting
        missing = tuple(number for number in range(first, last + 1) if number not in known)
        return Span(first, last, newest, len(rows), missing)


def _record(workspace_id: str, stored: NumberedDecision) -> DecisionCredited:
    decision = decode_decision(stored.body)
    entries = tuple(
        structs.replace(line, occurred_at=None)
        if line.occurred_at == decision.occurred_at
        else line
        for line in stored.lines
    )
    return credits_record(
        workspace_id,
        stored.sequence,
        stored.recorded_at,
        stored.decision_id,
        stored.revision,
        decision,
        entries,
        _memos(stored, decision),
    )


def _memos(stored: NumberedDecision, decision: Decision) -> tuple[CreditEntry, ...]:
    """Return the memos of the revision; they are not stored, but follow from two decisions."""
    if stored.body_before is None:
        return post(None, decision, stored.revision).memos
    before = decode_decision(stored.body_before)
    stood = memos(before, stored.revision - 1)
    return post(stood, decision, stored.revision, before.occurred_at).memos
