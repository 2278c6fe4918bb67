"""The stored clicks next to staged ones: they say which clicks are repeats (domain `repeats`).

Promise: for each staged click at most two rows are returned, its nearest earlier and later click of
the same series within 10 seconds. A click more than 10 seconds after all stored touches costs
nothing, one of a visitor that was not seen within 10 seconds one probe of the index on persons, any
other one at most `LOOKED_AT_MAX` rows on each side. Run it before the staged touches are inserted.
What can go wrong: a visitor with more touches than that between two clicks on one link within 10
seconds; the second one may then count, too.
"""

from datetime import datetime
from typing import Any, Final

from services.attribution.domain.model import Touch
from services.attribution.store.event_rows import touch_of
from services.attribution.tables import IN_SERIES, TRUSTED, WITHIN, Sql

# The touches of a visitor before a click, and after it, that are looked at.
LOOKED_AT_MAX: Final = 50

_COLUMNS: Final = (
    "t.event_id, t.kind, t.occurred_at, t.anon_key, t.click_key, t.link_id, t.placement_id,"
    " t.code, t.quality, t.consent, t.derived, t.source_kind"
)
# The limit keeps the planner on the index of persons, which is in order of time.
_SEEN: Final = """SELECT * FROM attribution.touches AS t
            WHERE t.anon_key = s.anon_key AND t.workspace_id = s.workspace_id
              AND t.occurred_at BETWEEN {since} AND {until}"""
_IN_SERIES: Final = f"""t.link_id = s.link_id AND {IN_SERIES.format(t="t")}
          AND {TRUSTED.format(t="t")} = {TRUSTED.format(t="s")}"""
_BEFORE: Final = f"s.occurred_at - {WITHIN}"
_AFTER: Final = f"s.occurred_at + {WITHIN}"
NEAR_CLICKS: Final = Sql(f"""
SELECT s.workspace_id::text, n.event_id::text, n.kind, n.occurred_at, n.anon_key, n.click_key,
       n.link_id::text, n.placement_id::text, n.code, n.quality, n.consent, n.derived,
       n.source_kind
FROM stage_touches AS s
CROSS JOIN LATERAL (
        {_SEEN.format(since=_BEFORE, until=_AFTER)} LIMIT 1
) AS seen
CROSS JOIN LATERAL (
    (
        SELECT {_COLUMNS} FROM (
            {_SEEN.format(since=_BEFORE, until="s.occurred_at")}
            ORDER BY t.occurred_at DESC LIMIT {LOOKED_AT_MAX}
        ) AS t
        WHERE {_IN_SERIES} AND (t.occurred_at, t.event_id) < (s.occurred_at, s.event_id)
        ORDER BY t.occurred_at DESC, t.event_id DESC LIMIT 1
    ) UNION ALL (
        SELECT {_COLUMNS} FROM (
            {_SEEN.format(since="s.occurred_at", until=_AFTER)}
            ORDER BY t.occurred_at LIMIT {LOOKED_AT_MAX}
        ) AS t
        WHERE {_IN_SERIES} AND (t.occurred_at, t.event_id) > (s.occurred_at, s.event_id)
        ORDER BY t.occurred_at, t.event_id LIMIT 1
    )
) AS n
WHERE s.occurred_at <= $1::timestamptz + {WITHIN} AND {IN_SERIES.format(t="s")}
""")


async def near_clicks(conn: Any, newest_touch_at: datetime) -> list[tuple[str, Touch]]:
    """Return the stored clicks next to staged ones, with their workspaces; some several times.

    No touch of their workspaces is later than `newest_touch_at`.
    """
    rows = await conn.fetch(NEAR_CLICKS, newest_touch_at)
    return [(row["workspace_id"], touch_of(row)) for row in rows]
