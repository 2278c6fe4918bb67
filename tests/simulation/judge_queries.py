"""The SQL statements of the judge of a simulation."""

from typing import Final

from tests.integration.attribution.attribution_pipeline import ORDER_NAME

# Conversions with credit other than their net, for each additive model. The credit is 0 if the
# policy no longer names the model.
UNBALANCED: Final = """
SELECT c.natural_id, c.net_minor, l.model, sum(l.amount_minor)::bigint
FROM attribution.conversions AS c JOIN attribution.ledger AS l USING (own_key, workspace_id)
GROUP BY c.own_key, c.workspace_id, c.natural_id, c.net_minor, l.model
HAVING sum(l.amount_minor) NOT IN (c.net_minor, 0)
    OR (sum(l.amount_minor) = 0 AND sum(l.units) <> 0 AND c.net_minor <> 0)
"""
LEDGER: Final = f"""
SELECT c.workspace_id::text, {ORDER_NAME.format("c")}, l.model, l.account, l.currency,
       sum(l.amount_minor)::bigint
FROM attribution.ledger AS l JOIN attribution.conversions AS c USING (own_key, workspace_id)
GROUP BY 1, 2, 3, 4, 5
"""
FOLDED: Final = f"""
SELECT workspace_id::text, {ORDER_NAME.format("e")}, model, account::text, currency,
       sum(amount_minor)::bigint
FROM roi.credit_entries AS e GROUP BY 1, 2, 3, 4, 5
"""
# (workspace, basis of time, day, order, model, account, currency) to minor units, of both services.
LEDGER_DATED: Final = f"""
SELECT c.workspace_id::text, b.basis, (b.moment AT TIME ZONE 'UTC')::date,
       {ORDER_NAME.format("c")}, l.model,
       l.account, l.currency, sum(l.amount_minor)::bigint
FROM attribution.ledger AS l JOIN attribution.conversions AS c USING (own_key, workspace_id)
CROSS JOIN LATERAL (VALUES
    ('conversion_time', l.occurred_at),
    ('touch_time', coalesce(l.touched_at, l.occurred_at))) AS b (basis, moment)
GROUP BY 1, 2, 3, 4, 5, 6, 7
"""
# Rollups have no order ids.
ROLLUPS_DATED: Final = """
SELECT workspace_id::text, basis, bucket_on, NULL, model, account::text, nullif(currency, ''),
       sum(amount_minor)::bigint
FROM roi.{rollups} GROUP BY 1, 2, 3, 5, 6, 7
"""
PENDING: Final = """
SELECT (SELECT count(*) FROM attribution.outbox) + (SELECT count(*) FROM attribution.recomputes)
"""
OFFSETS: Final = """
SELECT topic, partition, next_offset FROM attribution.offsets
UNION ALL SELECT topic, partition, next_offset FROM roi.offsets
"""
DECIDED: Final = (
    "SELECT c.workspace_id::text, c.conversion_id::text, d.body FROM attribution.conversions AS c"
    " JOIN attribution.decisions AS d USING (own_key, revision, workspace_id)"
)
FOLDED_TALLIES: Final = """
SELECT workspace_id::text, account::text, touch_kind, stage, quarter_at,
       sum(counted)::bigint, sum(flagged)::bigint
FROM roi.touch_tallies GROUP BY 1, 2, 3, 4, 5
"""
DEAD_LETTERS: Final = "SELECT key, value FROM attribution.dead_letters"

# For each rollup the rows that differ from the sums of its raw rows, in both directions.
_CREDITS: Final = """
SELECT {bucket} AS bucket_on, e.workspace_id, b.basis, e.model, {day} AS recorded_day, e.account,
       e.stage, e.conversion_kind, coalesce(e.currency, '') AS currency,
       sum(e.amount_minor)::bigint AS amount_minor, sum(e.units)::bigint AS units,
       sum(coalesce(e.placed_units, e.units))::bigint AS placed_units,
       sum(CASE WHEN e.net_minor IS NULL THEN 0 ELSE e.amount_minor::numeric * e.net_minor END)
           AS amount_times_net,
       sum(CASE WHEN e.net_minor IS NULL THEN e.amount_minor ELSE 0 END)::bigint
           AS amount_without_net
FROM roi.credit_entries AS e CROSS JOIN LATERAL (VALUES
    ('conversion_time', e.occurred_at),
    ('touch_time', coalesce(e.touched_at, e.occurred_at))) AS b (basis, moment)
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
"""
_TOUCHES: Final = """
SELECT {bucket} AS bucket_on, workspace_id, touch_kind, {day} AS recorded_day, account, stage,
       sum(counted)::bigint AS counted, sum(flagged)::bigint AS flagged
FROM roi.touch_tallies GROUP BY 1, 2, 3, 4, 5, 6
"""
_CREDITS_COLUMNS: Final = (
    "bucket_on, workspace_id, basis, model, {day} AS recorded_day, account, stage,"
    " conversion_kind, currency, amount_minor, units, placed_units, amount_times_net,"
    " amount_without_net"
)
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
