"""Reads decisions, ledger lines, touch tallies and social counts by number, to publish them again.

Promise: every statement reads a range of sequence numbers through an index that starts with the
number. Rows up to the last number never change.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import asyncpg

from services.attribution.tables import Sql
from shared.credits import CreditEntry

READ_NUMBERED: Final = Sql("""
SELECT d.sequence, d.recorded_at, d.decision_id::text, d.revision, d.body,
       before.body AS body_before
FROM attribution.decisions AS d
LEFT JOIN LATERAL (
    SELECT body FROM attribution.decisions AS b
    WHERE b.own_key = d.own_key
      AND b.revision = d.revision - 1 AND b.workspace_id = d.workspace_id LIMIT 1
) AS before ON true
WHERE d.sequence BETWEEN $1::bigint AND $2::bigint ORDER BY d.sequence
""")
READ_LINES: Final = Sql("""
SELECT sequence, model, revision, account, amount_minor, units, currency, stage, touch_stage,
       touched_at, occurred_at, touch_kind, evidence_class, link_id::text, code, sub_source,
       placed_units, net_minor, reverses
FROM attribution.ledger WHERE sequence BETWEEN $1::bigint AND $2::bigint ORDER BY sequence, line
""")
# A tally can have a megabyte, so the range ends before the row that follows $3 bytes or more. Later
# rows are returned without their value. Thus one statement, in one snapshot, also shows whether
# rows are left: the relay adds rows at any time.
READ_SENT_TALLIES: Final = Sql("""
SELECT sequence, CASE WHEN before_bytes < $3::bigint THEN value END AS value FROM (
    SELECT sequence, value,
           sum(octet_length(value)) OVER (ORDER BY sequence) - octet_length(value) AS before_bytes
    FROM attribution.sent_tallies WHERE sequence BETWEEN $1::bigint AND $2::bigint
) AS sized ORDER BY sequence
""")


@dataclass(frozen=True, slots=True)
class NumberedDecision:
    """A published revision: its decision, the decision before (None: first), its ledger lines."""

    sequence: int
    recorded_at: datetime
    decision_id: str
    revision: int
    body: bytes
    body_before: bytes | None
    lines: tuple[CreditEntry, ...]


async def read_decisions(conn: asyncpg.Connection, first: int, last: int) -> list[NumberedDecision]:
    """Return the published revisions with numbers from `first` to `last`, both included."""
    lines: defaultdict[int, list[CreditEntry]] = defaultdict(list)
    for row in await conn.fetch(READ_LINES, first, last):
        fields = dict(row)
        lines[fields.pop("sequence")].append(CreditEntry(**fields))
    return [
        NumberedDecision(
            sequence=row["sequence"],
            recorded_at=row["recorded_at"],
            decision_id=row["decision_id"],
            revision=row["revision"],
            body=row["body"],
            body_before=row["body_before"],
            lines=tuple(lines[row["sequence"]]),
        )
        for row in await conn.fetch(READ_NUMBERED, first, last)
    ]


async def read_tallies(
    conn: asyncpg.Connection, first: int, last: int, bytes_max: int
) -> tuple[dict[int, bytes], bool]:
    """Return the tallies and counts by number, and whether the whole range is in the answer.

    The last tally returned is the one that reaches `bytes_max`. If the range is not complete, it
    ends after the last number returned.
    """
    rows = await conn.fetch(READ_SENT_TALLIES, first, last, bytes_max)
    found = {row["sequence"]: row["value"] for row in rows if row["value"] is not None}
    return found, len(found) == len(rows)
