"""The outbox, which the relay publishes to the log, and the dead letters.

Promise: positions of a workspace are assigned under its lock, so the order of positions is the
order of its records. A dead letter's id is derived from the position of its record in the log, so
a second write has no effect.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

import asyncpg
from msgspec import Struct

from services.attribution.tables import Sql

INSERT_OUTBOX: Final = Sql("""
INSERT INTO attribution.outbox (workspace_id, topic, key, value, sequence)
SELECT workspace_id, topic, key, value, sequence
FROM unnest($1::uuid[], $2::text[], $3::bytea[], $4::bytea[], $5::bigint[])
    WITH ORDINALITY AS n (workspace_id, topic, key, value, sequence, place) ORDER BY place
""")
INSERT_DEAD_LETTERS: Final = Sql("""
INSERT INTO attribution.dead_letters (dead_letter_id, workspace_id, topic, partition, record_offset,
                                      key, value, reason, detail, event_id, recorded_at, retry_at)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::integer[], $5::bigint[], $6::bytea[],
                     $7::bytea[], $8::text[], $9::text[], $10::uuid[], $11::timestamptz[],
                     $12::timestamptz[])
ON CONFLICT DO NOTHING RETURNING dead_letter_id::text
""")
SEE: Final = "SELECT set_config('laurel.workspaces', $1::text, true)"
READ_OUTBOX: Final = Sql("""
SELECT position, workspace_id::text, topic, key, value
FROM attribution.outbox ORDER BY position LIMIT $1::integer
""")
# Published rows are deleted. Touch tallies and social counts are kept: no other table holds what
# was published.
DELETE_OUTBOX: Final = Sql("""
WITH sent AS (
    DELETE FROM attribution.outbox
    WHERE position = ANY ($1::bigint[]) RETURNING sequence, workspace_id, value
)
INSERT INTO attribution.sent_tallies (sequence, workspace_id, value)
SELECT sequence, workspace_id, value FROM sent WHERE sequence IS NOT NULL ON CONFLICT DO NOTHING
""")
READ_WAITING: Final = """
SELECT sequence FROM attribution.outbox WHERE sequence BETWEEN $1::bigint AND $2::bigint
"""
# One relay at a time over all processes: two would mix up the order of a workspace's records.
TRY_RELAY: Final = "SELECT pg_try_advisory_xact_lock(hashtextextended('attribution.relay', 0))"

LETTER_COLUMNS: Final = (
    "dead_letter_id::text, workspace_id::text, topic, partition, record_offset, key, value, reason,"
    " detail, event_id::text, recorded_at, resolved_at"
)
LIST_DEAD_LETTERS: Final = f"""
SELECT {LETTER_COLUMNS} FROM attribution.dead_letters
WHERE ($1::timestamptz IS NULL OR (recorded_at, dead_letter_id) < ($1::timestamptz, $2::uuid))
  AND resolved_at IS NULL
ORDER BY recorded_at DESC, dead_letter_id DESC LIMIT $3::integer
"""
PICK_DEAD_LETTERS: Final = f"""
SELECT {LETTER_COLUMNS} FROM attribution.dead_letters
WHERE resolved_at IS NULL AND ($1::uuid[] IS NULL OR dead_letter_id = ANY ($1::uuid[]))
ORDER BY recorded_at, dead_letter_id LIMIT $2::integer
"""
WORKSPACES_WITH_DUE: Final = """
SELECT DISTINCT workspace_id::text FROM attribution.dead_letters
WHERE resolved_at IS NULL AND retry_at <= $1::timestamptz ORDER BY 1
"""
DUE_DEAD_LETTERS: Final = f"""
SELECT {LETTER_COLUMNS} FROM attribution.dead_letters
WHERE resolved_at IS NULL AND retry_at <= $1::timestamptz
ORDER BY retry_at, dead_letter_id LIMIT $2::integer
"""
POSTPONE_DEAD_LETTER: Final = """
UPDATE attribution.dead_letters
SET attempts = attempts + 1,
    retry_at = $2::timestamptz + least(interval '1 minute' * 2 ^ least(attempts + 1, 10),
                                       interval '1 hour')
WHERE dead_letter_id = $1::uuid
"""
RESOLVE_DEAD_LETTERS: Final = """
UPDATE attribution.dead_letters SET resolved_at = $2::timestamptz
WHERE dead_letter_id = ANY ($1::uuid[])
"""


class OutboxRow(Struct, frozen=True, gc=False):
    """One record for the log.

    `archived_sequence`: its number, if it is kept when it is published: touch tallies and social
    counts are.
    """

    workspace_id: str
    topic: str
    key: bytes
    value: bytes
    position: int = 0
    archived_sequence: int | None = None


class DeadLetter(Struct, frozen=True, gc=False):
    """One record that could not be processed, its position in the log, and the reason.

    `retry_at` is the time of the first retry of a record that is retried by itself.
    """

    dead_letter_id: str
    workspace_id: str
    topic: str
    partition: int
    offset: int
    key: bytes
    value: bytes
    reason: str
    detail: str
    event_id: str | None
    recorded_at: datetime
    retry_at: datetime | None = None


async def write_outbox(conn: asyncpg.Connection, rows: Sequence[OutboxRow]) -> None:
    """Append rows to the outbox in the given order."""
    if rows:
        await conn.execute(
            INSERT_OUTBOX,
            [row.workspace_id for row in rows],
            [row.topic for row in rows],
            [row.key for row in rows],
            [row.value for row in rows],
            [row.archived_sequence for row in rows],
        )


async def write_dead_letters(conn: asyncpg.Connection, letters: Sequence[DeadLetter]) -> set[str]:
    """Store dead letters and return the ids of the new ones."""
    if not letters:
        return set()
    rows = [
        (
            letter.dead_letter_id,
            letter.workspace_id,
            letter.topic,
            letter.partition,
            letter.offset,
            letter.key,
            letter.value,
            letter.reason,
            letter.detail,
            letter.event_id,
            letter.recorded_at,
            letter.retry_at,
        )
        for letter in letters
    ]
    found = await conn.fetch(INSERT_DEAD_LETTERS, *(list(c) for c in zip(*rows, strict=True)))
    return {row[0] for row in found}


async def try_relay(conn: asyncpg.Connection) -> bool:
    """Take the relay's lock for this transaction; return whether it was free."""
    return bool(await conn.fetchval(TRY_RELAY))


async def read_outbox(
    conn: asyncpg.Connection, workspaces: Sequence[str], records_max: int
) -> list[OutboxRow]:
    """Return the oldest records of these workspaces.

    From here on the transaction sees only rows of these workspaces.
    """
    await conn.execute(SEE, "{" + ",".join(workspaces) + "}")
    rows = await conn.fetch(READ_OUTBOX, records_max)
    return [
        OutboxRow(row["workspace_id"], row["topic"], row["key"], row["value"], row["position"])
        for row in rows
    ]


async def read_waiting(conn: asyncpg.Connection, first: int, last: int) -> set[int]:
    """Return the sequence numbers of tallies and counts that are still in the outbox."""
    return {row[0] for row in await conn.fetch(READ_WAITING, first, last)}


async def delete_outbox(conn: asyncpg.Connection, rows: Sequence[OutboxRow]) -> None:
    """Delete published rows; tallies and counts go to `sent_tallies`, to be published again."""
    if rows:
        await conn.execute(DELETE_OUTBOX, [row.position for row in rows])


async def list_dead_letters(
    conn: asyncpg.Connection, before: tuple[datetime, str] | None, letters_max: int
) -> list[DeadLetter]:
    """Return unresolved dead letters of the visible workspaces, newest first.

    `before` is the cursor: time and id of the last letter of the page before.
    """
    moment, letter_id = before or (None, None)
    return [
        _letter(row) for row in await conn.fetch(LIST_DEAD_LETTERS, moment, letter_id, letters_max)
    ]


async def pick_dead_letters(
    conn: asyncpg.Connection, ids: Collection[str] | None, letters_max: int
) -> list[DeadLetter]:
    """Return unresolved dead letters to process again, oldest first; `ids` None means any."""
    wanted = None if ids is None else sorted(ids)
    return [_letter(row) for row in await conn.fetch(PICK_DEAD_LETTERS, wanted, letters_max)]


async def workspaces_with_due_letters(conn: asyncpg.Connection, now: datetime) -> list[str]:
    """Return the visible workspaces that have dead letters to retry by now."""
    return [row[0] for row in await conn.fetch(WORKSPACES_WITH_DUE, now)]


async def due_dead_letters(
    conn: asyncpg.Connection, now: datetime, letters_max: int
) -> list[DeadLetter]:
    """Return dead letters that are to be retried by now, the longest due first."""
    return [_letter(row) for row in await conn.fetch(DUE_DEAD_LETTERS, now, letters_max)]


async def postpone_dead_letter(
    conn: asyncpg.Connection, dead_letter_id: str, now: datetime
) -> None:
    """Set the next retry of a dead letter that failed again: twice the time, up to an hour."""
    await conn.execute(POSTPONE_DEAD_LETTER, dead_letter_id, now)


async def resolve_dead_letters(
    conn: asyncpg.Connection, ids: Collection[str], now: datetime
) -> None:
    """Mark dead letters as resolved."""
    await conn.execute(RESOLVE_DEAD_LETTERS, sorted(ids), now)


def _letter(row: asyncpg.Record) -> DeadLetter:
    return DeadLetter(
        dead_letter_id=row["dead_letter_id"],
        workspace_id=row["workspace_id"],
        topic=row["topic"],
        partition=row["partition"],
        offset=row["record_offset"],
        key=row["key"],
        value=row["value"],
        reason=row["reason"],
        detail=row["detail"],
        event_id=row["event_id"],
        recorded_at=row["recorded_at"],
    )
