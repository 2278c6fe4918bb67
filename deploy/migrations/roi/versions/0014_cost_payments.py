"""The view of costs says when a cost was paid, for answers of cash.

Promise: no stored cost changes. The downgrade removes the column.
"""

from alembic import op

revision = "0014"
down_revision = "0013"
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
       (facts ->> 'serves_to')::date              AS to_on,
       coalesce(facts ->> 'spread', 'equal')      AS spread{paid}
  FROM roi.versions WHERE entity = 'cost'
"""
_PAID = """,
       (facts ->> 'paid_on')::date                AS paid_on"""


def upgrade() -> None:
    """Add the day of payment to the view of costs."""
    _view(_PAID)


def downgrade() -> None:
    """Remove the day of payment from the view of costs."""
    _view("")


def _view(paid: str) -> None:
    op.execute("DROP VIEW roi.cost_versions")
    op.execute(_VIEW.format(paid=paid))
