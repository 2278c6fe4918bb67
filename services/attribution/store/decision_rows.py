"""Decisions, ledger lines and current conversions: read the last revision, append the next one.

Promise: decisions and ledger lines are only inserted (the database role has no other right). The
current state of a conversion is updated in the same transaction. The number of statements does not
depend on the batch size.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Final

import asyncpg
from msgspec import Struct

from services.attribution.domain.model import ConversionKey
from services.attribution.store.identity_rows import Keyed
from services.attribution.tables import Sql
from shared.credits import CreditEntry

READ_STANDING: Final = Sql("""
SELECT n.workspace_id::text, n.own_key, v.revision, d.body, v.standing
FROM unnest($1::bytea[], $2::uuid[]) AS n (own_key, workspace_id) CROSS JOIN LATERAL (
    SELECT revision, standing FROM attribution.conversions AS v
    WHERE v.own_key = n.own_key AND v.workspace_id = n.workspace_id LIMIT 1
) AS v CROSS JOIN LATERAL (
    SELECT body FROM attribution.decisions AS d
    WHERE d.own_key = n.own_key
      AND d.revision = v.revision AND d.workspace_id = n.workspace_id LIMIT 1
) AS d
""")
UPSERT_CONVERSIONS: Final = Sql("""
INSERT INTO attribution.conversions (own_key, workspace_id, conversion_id, kind, natural_id,
                                     occurred_at, status, net_minor, currency, revision, standing,
                                     store, notes)
SELECT own_key, workspace_id, conversion_id, kind, natural_id, occurred_at, status, net_minor,
       currency, revision, standing, store, notes::jsonb
FROM unnest($1::bytea[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::timestamptz[],
            $7::text[], $8::bigint[], $9::text[], $10::integer[], $11::bytea[], $12::text[],
            $13::text[])
    AS n (own_key, workspace_id, conversion_id, kind, natural_id, occurred_at, status, net_minor,
          currency, revision, standing, store, notes)
ON CONFLICT (own_key, workspace_id) DO UPDATE
SET conversion_id = excluded.conversion_id, occurred_at = excluded.occurred_at,
    status = excluded.status, net_minor = excluded.net_minor, currency = excluded.currency,
    revision = excluded.revision, standing = excluded.standing, notes = excluded.notes
""")
# The rows exist; an upsert always uses the primary key (see `identity_rows`). The time at the alias
# lets a late touch find a conversion without a read of the rest of the component.
DATE_ALIASES: Final = Sql("""
INSERT INTO attribution.aliases (key, workspace_id, component_id, converted_at)
SELECT own_key, workspace_id, own_key, occurred_at
FROM unnest($1::bytea[], $2::uuid[], $3::timestamptz[]) AS n (own_key, workspace_id, occurred_at)
ON CONFLICT (key, workspace_id) DO UPDATE SET converted_at = excluded.converted_at
""")
INSERT_DECISIONS: Final = Sql("""
INSERT INTO attribution.decisions (own_key, revision, workspace_id, decision_id, sequence,
                                   recorded_at, reason, net_minor, currency, models, body)
SELECT own_key, revision, workspace_id, decision_id, sequence, recorded_at, reason, net_minor,
       currency, string_to_array(models, ' '), body
FROM unnest($1::bytea[], $2::integer[], $3::uuid[], $4::uuid[], $5::bigint[], $6::timestamptz[],
            $7::text[], $8::bigint[], $9::text[], $10::text[], $11::bytea[])
    AS n (own_key, revision, workspace_id, decision_id, sequence, recorded_at, reason, net_minor,
          currency, models, body)
""")
INSERT_LEDGER: Final = Sql("""
INSERT INTO attribution.ledger (sequence, line, workspace_id, own_key, decision_id, model, revision,
                                account, amount_minor, currency, units, stage, touch_stage,
                                touched_at, occurred_at, recorded_at, touch_kind, evidence_class,
                                link_id, code, sub_source, placed_units, net_minor, reverses)
SELECT * FROM unnest($1::bigint[], $2::integer[], $3::uuid[], $4::bytea[], $5::uuid[], $6::text[],
                     $7::integer[], $8::text[], $9::bigint[], $10::text[], $11::bigint[],
                     $12::text[], $13::text[], $14::timestamptz[], $15::timestamptz[],
                     $16::timestamptz[], $17::text[], $18::text[], $19::uuid[], $20::text[],
                     $21::text[], $22::bigint[], $23::bigint[], $24::integer[])
""")
INSERT_SUBJECTS: Final = Sql("""
INSERT INTO attribution.decision_subjects (subject, own_key, workspace_id)
SELECT * FROM unnest($1::text[], $2::bytea[], $3::uuid[])
ON CONFLICT DO NOTHING
""")
INSERT_CONVERSION_KEYS: Final = Sql("""
INSERT INTO attribution.conversion_keys (key, own_key, workspace_id)
SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::uuid[])
ON CONFLICT DO NOTHING
""")


class Standing(Struct, frozen=True, gc=False):
    """The last revision of a conversion; decision and current state as stored bytes."""

    revision: int
    decision: bytes
    standing: bytes


class Revision(Struct, frozen=True, gc=False):
    """One new decision revision. `sequence` is None if it changes no published sum.

    `entries` are its new ledger lines, `memos` its memo entries (published, but stored in no table
    here), `models` the models whose credits sum to its net amount. `notes` is the JSON list of its
    notes, None when it has none.
    """

    workspace_id: str
    own_key: bytes
    conversion_id: str
    key: ConversionKey
    occurred_at: datetime
    status: str
    net_minor: int
    currency: str | None
    models: tuple[str, ...]
    revision: int
    decision_id: str
    reason: str
    body: bytes
    standing: bytes
    sequence: int | None
    recorded_at: datetime
    entries: tuple[CreditEntry, ...]
    memos: tuple[CreditEntry, ...]
    notes: str | None = None


async def read_standing(
    conn: asyncpg.Connection, own_keys: Collection[Keyed]
) -> dict[Keyed, Standing]:
    """Return the last revision of each conversion that has one."""
    ordered = sorted(own_keys)
    if not ordered:
        return {}
    rows = await conn.fetch(
        READ_STANDING, [key for _, key in ordered], [workspace for workspace, _ in ordered]
    )
    return {
        (row["workspace_id"], row["own_key"]): Standing(
            row["revision"], row["body"], row["standing"]
        )
        for row in rows
    }


async def write_revisions(conn: asyncpg.Connection, revisions: Sequence[Revision]) -> None:
    """Append decisions and ledger lines, and update the current state of the conversions."""
    if not revisions:
        return
    await conn.execute(UPSERT_CONVERSIONS, *_conversion_columns(revisions))
    await conn.execute(INSERT_DECISIONS, *_decision_columns(revisions))
    lines = [
        (item, number, entry) for item in revisions for number, entry in enumerate(item.entries)
    ]
    if lines:
        await conn.execute(INSERT_LEDGER, *_ledger_columns(lines))


async def date_aliases(
    conn: asyncpg.Connection, dated: Collection[tuple[str, bytes, datetime]]
) -> None:
    """Set the time at which late touches find a conversion: (workspace, own key, time)."""
    if dated:
        await conn.execute(
            DATE_ALIASES,
            [own for _, own, _ in dated],
            [workspace for workspace, _, _ in dated],
            [moment for _, _, moment in dated],
        )


async def write_subjects(
    conn: asyncpg.Connection, looked_at: Iterable[tuple[str, str, bytes]]
) -> None:
    """Store the subjects that a decision depends on: (subject, workspace, own key)."""
    ordered = sorted(looked_at)
    if ordered:
        await conn.execute(
            INSERT_SUBJECTS,
            [subject for subject, _, _ in ordered],
            [own for _, _, own in ordered],
            [workspace for _, workspace, _ in ordered],
        )


async def write_conversion_keys(
    conn: asyncpg.Connection, carried: Iterable[tuple[str, bytes, bytes]]
) -> None:
    """Store the keys that a conversion contains: (workspace, key, own key)."""
    ordered = sorted(carried)
    if ordered:
        await conn.execute(
            INSERT_CONVERSION_KEYS,
            [key for _, key, _ in ordered],
            [own for _, _, own in ordered],
            [workspace for workspace, _, _ in ordered],
        )


def _conversion_columns(revisions: Sequence[Revision]) -> list[list[object]]:
    rows = [
        (
            item.own_key,
            item.workspace_id,
            item.conversion_id,
            item.key.kind,
            item.key.natural_id,
            item.occurred_at,
            item.status,
            item.net_minor,
            item.currency,
            item.revision,
            item.standing,
            item.key.store,
            item.notes,
        )
        for item in revisions
    ]
    return [list(column) for column in zip(*rows, strict=True)]


def _decision_columns(revisions: Sequence[Revision]) -> list[list[object]]:
    rows = [
        (
            item.own_key,
            item.revision,
            item.workspace_id,
            item.decision_id,
            item.sequence,
            item.recorded_at,
            item.reason,
            item.net_minor,
            item.currency,
            " ".join(item.models),
            item.body,
        )
        for item in revisions
    ]
    return [list(column) for column in zip(*rows, strict=True)]


def _ledger_columns(lines: Sequence[tuple[Revision, int, CreditEntry]]) -> list[list[object]]:
    rows = [
        (
            item.sequence,
            number,
            item.workspace_id,
            item.own_key,
            item.decision_id,
            entry.model,
            entry.revision,
            entry.account,
            entry.amount_minor,
            entry.currency,
            entry.units,
            entry.stage,
            entry.touch_stage,
            entry.touched_at,
            entry.occurred_at or item.occurred_at,
            item.recorded_at,
            entry.touch_kind,
            entry.evidence_class,
            entry.link_id,
            entry.code,
            entry.sub_source,
            entry.placed_units,
            entry.net_minor,
            entry.reverses,
        )
        for item, number, entry in lines
    ]
    return [list(column) for column in zip(*rows, strict=True)]
