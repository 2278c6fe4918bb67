"""A cost serves days, and a policy may have no margin.

Promise: an old cost serves the calendar month of its day, within the dates of its campaign as they
are now, in every state of the past. A margin of 1 becomes no margin: it was also what a policy
without one got, and profit is the same. What can go wrong: answers as of a moment before the
upgrade spread old costs by the new rule; the downgrade forgets the days, hours and gifts, and loses
overhead, which an older release cannot answer.
"""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_DAYS = """
UPDATE roi.versions AS v
   SET facts = v.facts || jsonb_build_object(
           'from', NULL, 'to', NULL,
           'serves_from', greatest(date_trunc('month', served.day)::date, served.starts_on),
           'serves_to', least(
               (date_trunc('month', served.day) + interval '1 month - 1 day')::date, served.ends_on
           )
       )
  FROM roi.versions AS c
  LEFT JOIN roi.versions AS p ON p.entity = 'campaign' AND p.superseded_at IS NULL
   AND p.workspace_id = c.workspace_id AND p.entity_id = (c.facts ->> 'campaign_id')::uuid
 CROSS JOIN LATERAL (
       SELECT (p.facts ->> 'starts_on')::date AS starts_on, (p.facts ->> 'ends_on')::date AS ends_on
       ) AS dates
 CROSS JOIN LATERAL (
       SELECT dates.*, least(
           greatest((c.facts ->> 'incurred_on')::date, dates.starts_on), dates.ends_on
       ) AS day) AS served
 WHERE c.entity = 'cost' AND c.entity_id = v.entity_id AND c.workspace_id = v.workspace_id
   AND c.recorded_at = v.recorded_at AND c.period = v.period
"""
_MARGINS = """
UPDATE roi.versions SET facts = jsonb_set(facts, '{margin_millionths}', 'null')
 WHERE entity = 'policy' AND facts -> 'margin_millionths' = '1000000'
"""
_VIEW = """
-- Costs with at most one owner. Every sum needs archived_at IS NULL.
CREATE VIEW roi.cost_versions WITH (security_invoker = true) AS
SELECT entity_id AS cost_id, workspace_id, recorded_at, superseded_at, archived_at,
       facts ->> 'kind'                           AS kind,
       (facts #>> '{{amount,amount_minor}}')::bigint AS amount_minor,
       facts #>> '{{amount,currency}}'              AS currency,
       (facts ->> 'incurred_on')::date            AS incurred_on,
       (facts ->> 'placement_id')::uuid           AS placement_id,
       (facts ->> 'creator_id')::uuid             AS creator_id,
       (facts ->> 'campaign_id')::uuid            AS campaign_id{days}
  FROM roi.versions WHERE entity = 'cost'
"""
_SERVED = """,
       (facts ->> 'serves_from')::date            AS from_on,
       (facts ->> 'serves_to')::date              AS to_on"""
_FORGET_DAYS = """
UPDATE roi.versions
   SET facts = facts - '{from,to,serves_from,serves_to,hours,rate,paid_on,retail_value}'::text[]
 WHERE entity = 'cost'
"""
_NO_OWNER = """
coalesce(facts ->> 'placement_id', facts ->> 'creator_id', facts ->> 'campaign_id') IS NULL
"""
_FORGET_OVERHEAD = (
    f"""
DELETE FROM roi.versions WHERE (entity_id, workspace_id) IN (
       SELECT entity_id, workspace_id FROM roi.versions
        WHERE entity = 'cost' AND superseded_at IS NULL AND {_NO_OWNER})
""",
    f"DELETE FROM roi.versions WHERE entity = 'cost' AND {_NO_OWNER}",
    """
DELETE FROM roi.entities AS e WHERE entity = 'cost' AND NOT EXISTS (
       SELECT FROM roi.versions AS v WHERE v.entity_id = e.id AND v.workspace_id = e.workspace_id)
""",
)
_SET_MARGINS = """
UPDATE roi.versions SET facts = jsonb_set(facts, '{margin_millionths}', '1000000')
 WHERE entity = 'policy' AND facts -> 'margin_millionths' = 'null'
"""
_PROTECTED = ("versions", "entities")


def upgrade() -> None:
    """Give each cost its days, and forget margins of 1."""
    _change(_DAYS, _MARGINS)
    op.execute("DROP VIEW roi.cost_versions")
    op.execute(_VIEW.format(days=_SERVED))


def downgrade() -> None:
    """Forget the days and the overhead; a policy without a margin has 1 again."""
    op.execute("DROP VIEW roi.cost_versions")
    op.execute(_VIEW.format(days=""))
    _change(*_FORGET_OVERHEAD, _FORGET_DAYS, _SET_MARGINS)


def _change(*statements: str) -> None:
    """Run statements on the rows of all workspaces."""
    for table in _PROTECTED:
        # The owner is under the policies, too, and sees nobody's rows while they are forced.
        op.execute(f"ALTER TABLE roi.{table} NO FORCE ROW LEVEL SECURITY")
    for statement in statements:
        op.execute(statement)
    for table in _PROTECTED:
        op.execute(f"ALTER TABLE roi.{table} FORCE ROW LEVEL SECURITY")
