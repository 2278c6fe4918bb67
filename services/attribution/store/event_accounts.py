"""What became of the events of a workspace: one query that puts each of them into one class.

Promise: the classes are counted from the stored rows; `read` is a counter that the consumer moves.
An event that is in no class makes the sum of the classes smaller than `read`.
What can go wrong: conversions that wait to be decided are in no class until then. A workspace with
more than `EVENTS_MAX` events raises `TooManyEvents` before any is read.
"""

from dataclasses import dataclass
from typing import Final

import asyncpg

from services.attribution.store.attention.claims_without_proof import PROVEN
from services.attribution.store.attention.surveys_without_order import SURVEYS_WITHOUT_ORDER
from services.attribution.store.attention.unknown_placements import UNKNOWN_PLACEMENTS
from services.attribution.store.attention_kind import KNOWN
from shared.log.topics import EVENTS

# Each event is read for one answer; as many are read within seconds.
EVENTS_MAX: Final = 2_000_000

READ: Final = """
SELECT coalesce(max(events_read), 0) FROM attribution.workspaces WHERE workspace_id = $1::uuid
"""
# Trusted evidence is filed under `o`, claims under `p` and the rest of the own key, and the survey
# answers of pages under their claim token.
ACCOUNTS: Final = f"""
SELECT
    (SELECT events_read FROM attribution.workspaces WHERE workspace_id = $1::uuid) AS read,
    (SELECT events_duplicate FROM attribution.workspaces WHERE workspace_id = $1::uuid)
        AS duplicates,
    (SELECT count(*) FROM attribution.touches WHERE NOT derived) AS touches,
    (SELECT count(*) FROM attribution.evidence
     WHERE own_key IS NULL AND kind NOT IN ('noticed', 'surveyed')) AS other_evidence,
    (SELECT count(*) FROM attribution.evidence WHERE own_key IS NULL AND kind = 'noticed')
        AS notices,
    (SELECT count(*) FROM attribution.evidence WHERE kind = 'surveyed') AS surveys,
    (SELECT count(*) FROM ({SURVEYS_WITHOUT_ORDER.found}) AS told) AS surveys_aside,
    (SELECT count(*) FROM ({UNKNOWN_PLACEMENTS.found}) AS told) AS counts_aside,
    (SELECT count(*) FROM attribution.dead_letters
     WHERE topic = '{EVENTS.name}' AND resolved_at IS NULL AND reason <> 'currency_mismatch')
        AS letters,
    count(*) FILTER (WHERE told.is_claim AND NOT told.is_proven) AS claims_aside,
    count(*) FILTER (WHERE told.is_claim AND told.is_proven) AS claims_joined,
    count(*) FILTER (WHERE NOT told.is_claim AND told.status IN {KNOWN}
                       AND told.kind = 'order_adjusted') AS adjustments_booked,
    count(*) FILTER (WHERE NOT told.is_claim AND told.status NOT IN {KNOWN})
        AS waiting,
    count(*) FILTER (WHERE told.is_version) AS versions,
    count(DISTINCT told.own_key) FILTER (WHERE told.is_version) AS conversions
FROM (
    SELECT c.own_key, c.status, e.kind, e.own_key >= 'p' AS is_claim,
           e.own_key < 'p' AND e.kind <> 'order_adjusted'
               AND c.status IN {KNOWN} AS is_version,
           e.own_key >= 'p' AND c.status IN {KNOWN} AND {PROVEN} AS is_proven
    FROM attribution.evidence AS e
    JOIN attribution.conversions AS c
      ON c.own_key = 'o'::bytea || substring(e.own_key FROM 2) AND c.workspace_id = e.workspace_id
    WHERE e.own_key IS NOT NULL AND e.kind <> 'surveyed'
) AS told
"""


class TooManyEvents(Exception):
    """A workspace has more events than one answer may read."""


@dataclass(frozen=True, slots=True)
class EventAccounts:
    """How many events of a workspace are in each class.

    `booked` are touches, ties, survey answers, social counts, and the versions, adjustments and
    proven claims that count. A past order and its adjustments are booked, too: they are evidence
    about their customer. So is each report of counts, because a correction is told by two of them.
    `superseded` are repeated events and the versions that another version replaced. `set_aside` are
    dead letters, claims without proof, test orders, notices of a shop, counts of unknown
    placements, and what waits for an order, survey answers among it; the attention list has them.
    """

    read: int
    booked: int
    superseded: int
    set_aside: int

    @property
    def difference(self) -> int:
        """The events that lie in no class; 0 unless there is a defect."""
        return self.read - self.booked - self.superseded - self.set_aside


async def event_accounts(conn: asyncpg.Connection, workspace_id: str) -> EventAccounts:
    """Return the classes of all events of the visible workspace; raises `TooManyEvents`."""
    if await conn.fetchval(READ, workspace_id) > EVENTS_MAX:
        raise TooManyEvents(workspace_id)
    row = await conn.fetchrow(ACCOUNTS, workspace_id)
    assert row is not None, "an aggregate has one row"
    return EventAccounts(
        read=row["read"] or 0,
        booked=row["touches"]
        + row["other_evidence"]
        - row["counts_aside"]
        + row["surveys"]
        - row["surveys_aside"]
        + row["claims_joined"]
        + row["adjustments_booked"]
        + row["conversions"],
        superseded=(row["duplicates"] or 0) + row["versions"] - row["conversions"],
        set_aside=row["letters"]
        + row["claims_aside"]
        + row["waiting"]
        + row["notices"]
        + row["surveys_aside"]
        + row["counts_aside"],
    )
