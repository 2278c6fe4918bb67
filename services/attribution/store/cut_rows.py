"""The keys that lost their connections because they had too many: shown in the attention list.

Promise: a key is noted once for each reason, with an event that has it where one is known. The
number of statements does not depend on the batch size. No decision reads these rows.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

import asyncpg

from services.attribution.domain.ties import TIES_MAX
from services.attribution.store.identity_rows import Keyed
from services.attribution.tables import CUT_AS_HUB, CUT_TIES, Sql

INSERT_HUBS: Final = Sql(f"""
INSERT INTO attribution.cut_keys (key, reason, workspace_id, event_id, cut_at)
SELECT key, '{CUT_AS_HUB}', workspace_id, event_id, $4::timestamptz
FROM unnest($1::bytea[], $2::uuid[], $3::uuid[]) AS n (key, workspace_id, event_id)
ON CONFLICT DO NOTHING
""")
INSERT_TIED: Final = Sql(f"""
INSERT INTO attribution.cut_keys (key, reason, workspace_id, event_id, cut_at)
SELECT n.key, '{CUT_TIES}', n.workspace_id, n.event_id, $4::timestamptz
FROM unnest($1::bytea[], $2::uuid[], $3::uuid[]) AS n (key, workspace_id, event_id)
CROSS JOIN LATERAL (
    SELECT FROM attribution.ties AS t
    WHERE t.key = n.key AND t.workspace_id = n.workspace_id OFFSET {TIES_MAX} LIMIT 1
) AS t
ON CONFLICT DO NOTHING
""")


async def note_hubs(
    conn: asyncpg.Connection,
    hubs: Iterable[Keyed],
    events: Mapping[Keyed, str],
    now: datetime,
) -> None:
    """Note keys that became hubs; `events` has an event of some of them."""
    noted = {keyed: events.get(keyed) for keyed in hubs}
    await _note(conn, INSERT_HUBS, noted, now)


async def note_tied(conn: asyncpg.Connection, tied: Mapping[Keyed, str], now: datetime) -> None:
    """Note which of these keys, with their events, have more ties than may count."""
    await _note(conn, INSERT_TIED, tied, now)


async def _note(
    conn: asyncpg.Connection, statement: Sql, noted: Mapping[Keyed, str | None], now: datetime
) -> None:
    ordered = sorted(noted)
    if ordered:
        await conn.execute(
            statement,
            [key for _, key in ordered],
            [workspace for workspace, _ in ordered],
            [noted[keyed] for keyed in ordered],
            now,
        )
