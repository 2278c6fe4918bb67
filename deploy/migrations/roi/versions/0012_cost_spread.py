"""A cost says how its placements share it; the costs of before are shared equally.

Promise: no stored cost changes. The downgrade forgets how costs are shared: equally again.
"""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

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
       (facts ->> 'campaign_id')::uuid            AS campaign_id,
       (facts ->> 'serves_from')::date            AS from_on,
       (facts ->> 'serves_to')::date              AS to_on{spread}
  FROM roi.versions WHERE entity = 'cost'
"""
_SPREAD = """,
       coalesce(facts ->> 'spread', 'equal')      AS spread"""
_FORGET = "UPDATE roi.versions SET facts = facts - 'spread' WHERE entity = 'cost'"


def upgrade() -> None:
    """Add the spread to the view of costs."""
    _view(_SPREAD)


def downgrade() -> None:
    """Forget the spread of each cost."""
    _view("")
    # The owner is under the policies, too, and sees nobody's rows while they are forced.
    op.execute("ALTER TABLE roi.versions NO FORCE ROW LEVEL SECURITY")
    op.execute(_FORGET)
    op.execute("ALTER TABLE roi.versions FORCE ROW LEVEL SECURITY")


def _view(spread: str) -> None:
    op.execute("DROP VIEW roi.cost_versions")
    op.execute(_VIEW.format(spread=spread))
