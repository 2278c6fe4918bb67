"""Which person each conversion belongs to, record by record, with what the record changes of it.

Promise: one row for each decision record, also for one that only says that the person is another
one. `units` and `amount_minor` are what the entries of the model `last` change. Conversions of the
past are those of the stored entries; a change of a person without an entry was not stored before.
The downgrade forgets the rows; a later upgrade makes them of the entries again.
"""

from alembic import op

from shared.db.rls import protect

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
-- The person, kind and time of a conversion are those of its newest row; sums of changes stand.
CREATE TABLE roi.conversion_people (
    sequence      bigint      NOT NULL,
    workspace_id  uuid        NOT NULL,
    conversion_id uuid        NOT NULL,
    kind          text        NOT NULL,
    person_ref    text        NOT NULL,
    occurred_at   timestamptz NOT NULL,
    currency      text,
    units         bigint      NOT NULL,
    amount_minor  bigint      NOT NULL,
    known_at      timestamptz NOT NULL,
    PRIMARY KEY (sequence, workspace_id)
)
""",
    # The owner is under the policies, too, and sees nobody's rows while they are forced.
    "ALTER TABLE roi.credit_entries NO FORCE ROW LEVEL SECURITY",
    """
INSERT INTO roi.conversion_people
       (sequence, workspace_id, conversion_id, kind, person_ref, occurred_at, currency, units,
        amount_minor, known_at)
SELECT sequence, workspace_id, max(conversion_id::text)::uuid, max(conversion_kind),
       max(person_ref), (array_agg(occurred_at ORDER BY (reverses IS NULL) DESC, position DESC))[1],
       max(currency), coalesce(sum(units) FILTER (WHERE model = 'last'), 0),
       coalesce(sum(amount_minor) FILTER (WHERE model = 'last'), 0), max(known_at)
FROM roi.credit_entries GROUP BY sequence, workspace_id
""",
    "ALTER TABLE roi.credit_entries FORCE ROW LEVEL SECURITY",
    "CREATE INDEX conversion_people_by_id ON roi.conversion_people (conversion_id, workspace_id)",
    "CREATE INDEX conversion_people_by_person ON roi.conversion_people (person_ref, workspace_id)",
    """
CREATE INDEX conversion_people_leads ON roi.conversion_people (workspace_id, occurred_at)
WHERE kind IN ('lead', 'sign_up')
""",
)


def upgrade() -> None:
    """Make the table of the stored entries, with its policy."""
    for statement in (*STATEMENTS, *protect("roi", "conversion_people")):
        op.execute(statement)


def downgrade() -> None:
    """Drop the table."""
    op.execute("DROP TABLE roi.conversion_people")
