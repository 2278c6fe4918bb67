"""A placement never moves: one with several periods becomes several placements of one period each.

How one placement is split. Its periods now make its pieces, one per period, in order of time.
- The last piece keeps the id (and the external id): what is sent from now on names that id and
  means the placement as it is now. An earlier piece gets a UUIDv5 of the id and its first moment.
- Every recorded state of the past is split too, so an answer as of a past moment finds each piece
  with the facts that were recorded then. Periods were only ever cut, never joined, so each piece
  lies within one period of every state before.
- A link gets a new state: its periods are cut where the pieces begin and end, and each part names
  its piece. A code becomes several codes with the same text, one per part; the last keeps the id.
  Where a code's creator is not the creator of the piece, its part names no placement any more and
  counts for the automatic placement of its creator.
- A cost names the piece that held at the first moment of the day on which it was incurred.
- Each changed or new placement, link and code gets a record in the outbox, and attribution decides
  again what these records touch.

What can go wrong: credit that was posted for the old id stays there until attribution's new
decisions, and an answer as of a moment before them shows all of it for the last owner. Views,
survey answers and social counts that named the placement itself stay with its id. The downgrade
gives the view its two columns back, always NULL; placements stay split.
"""

import json
import unicodedata
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_PROTECTED = ("entities", "versions", "outbox")

_SPLIT = """
SELECT entity_id::text AS id, workspace_id::text AS workspace_id FROM roi.versions
 WHERE entity = 'placement' GROUP BY entity_id, workspace_id
HAVING max(period) > 0 ORDER BY workspace_id, id
"""
_STATES = """
SELECT entity_id::text AS id, period, valid_from, valid_to, recorded_at, superseded_at, archived_at,
       facts::text AS facts
  FROM roi.versions WHERE entity_id = CAST(:id AS uuid) AND workspace_id = CAST(:workspace AS uuid)
 ORDER BY recorded_at, period
"""
_NAMING = """
SELECT DISTINCT entity_id::text AS id, entity FROM roi.versions
 WHERE workspace_id = CAST(:workspace AS uuid) AND entity IN ('link', 'code')
   AND superseded_at IS NULL AND facts ->> 'placement_id' = :id
 ORDER BY 2, 1
"""
_DELETE_STATES = """
DELETE FROM roi.versions
 WHERE entity_id = CAST(:id AS uuid) AND workspace_id = CAST(:workspace AS uuid)
"""
_ADD_STATE = """
INSERT INTO roi.versions (entity_id, workspace_id, entity, period, valid_from, valid_to,
                          recorded_at, superseded_at, archived_at, facts)
VALUES (CAST(:id AS uuid), CAST(:workspace AS uuid), :entity, :period, :valid_from, :valid_to,
        :recorded_at, :superseded_at, :archived_at, CAST(:facts AS jsonb))
"""
_COPY_ENTITY = """
INSERT INTO roi.entities (id, workspace_id, entity, created_at, revision, recorded_at, archived_at)
SELECT CAST(:new_id AS uuid), workspace_id, entity, created_at, 1, :now, archived_at
  FROM roi.entities WHERE id = CAST(:id AS uuid) AND workspace_id = CAST(:workspace AS uuid)
RETURNING id::text, workspace_id::text, entity, revision, recorded_at, archived_at
"""
_RAISE_ENTITY = """
UPDATE roi.entities SET revision = revision + 1, recorded_at = :now
 WHERE id = CAST(:id AS uuid) AND workspace_id = CAST(:workspace AS uuid)
RETURNING id::text, workspace_id::text, entity, revision, recorded_at, archived_at
"""
_SUPERSEDE = """
UPDATE roi.versions SET superseded_at = :now
 WHERE entity_id = CAST(:id AS uuid) AND workspace_id = CAST(:workspace AS uuid)
   AND superseded_at IS NULL
"""
_TICK = """
UPDATE roi.workspaces
   SET clock_at = GREATEST(now(), clock_at + interval '1 microsecond'), outbox_pending = true
 WHERE workspace_id = CAST(:workspace AS uuid) RETURNING clock_at
"""
# Local days are those of the workspace's zone; a cost lies at the first moment of its day.
_MOVE_COSTS = """
UPDATE roi.versions AS v
   SET facts = jsonb_set(v.facts, '{placement_id}', to_jsonb(CAST(:piece AS text)))
  FROM roi.versions AS w
 WHERE w.entity = 'workspace' AND w.superseded_at IS NULL AND w.workspace_id = v.workspace_id
   AND v.entity = 'cost' AND v.workspace_id = CAST(:workspace AS uuid)
   AND v.facts ->> 'placement_id' = :id
   AND ((v.facts ->> 'incurred_on')::timestamp AT TIME ZONE (w.facts ->> 'time_zone')) < :valid_to
"""
_PUBLISH = """
INSERT INTO roi.outbox (workspace_id, key, value) VALUES (CAST(:workspace AS uuid), :key, :value)
"""

_UNDATED = """
ALTER TABLE roi.versions ADD CONSTRAINT versions_placement_undated
CHECK (entity <> 'placement' OR (period = 0 AND valid_from IS NULL AND valid_to IS NULL))
"""
_VIEW = """
-- Whose a placement is, as known when. Archived rows are left out: filter recording yourself.
CREATE VIEW roi.placement_versions WITH (security_invoker = true) AS
SELECT entity_id AS placement_id, workspace_id, {dates} recorded_at, superseded_at, archived_at,
       (facts ->> 'creator_id')::uuid                    AS creator_id,
       (facts ->> 'campaign_id')::uuid                   AS campaign_id,
       facts ->> 'platform'                              AS platform,
       COALESCE((facts ->> 'is_brand')::boolean, false)  AS is_brand,
       COALESCE((facts ->> 'automatic')::boolean, false) AS automatic,
       facts ->> 'url'                                   AS url,
       facts ->> 'content_type'                          AS content_type
  FROM roi.versions WHERE entity = 'placement'
"""


@dataclass(frozen=True)
class Span:
    """Facts of an entity in `[valid_from, valid_to)`; None is unbounded."""

    id: str
    facts: dict[str, Any]
    valid_from: datetime | None
    valid_to: datetime | None


def upgrade() -> None:
    """Split what moved, make the next move impossible, and take the two columns from the view."""
    connection = op.get_bind()
    for table in _PROTECTED:
        # The owner who migrates is no superuser everywhere, and names no workspaces.
        op.execute(f"ALTER TABLE roi.{table} NO FORCE ROW LEVEL SECURITY")
    for row in list(connection.execute(sa.text(_SPLIT))):
        _Split(connection, row.workspace_id, row.id).run()
    op.execute(
        "UPDATE roi.versions SET valid_from = NULL, valid_to = NULL WHERE entity = 'placement'"
        " AND (valid_from IS NOT NULL OR valid_to IS NOT NULL)"
    )
    for table in _PROTECTED:
        op.execute(f"ALTER TABLE roi.{table} FORCE ROW LEVEL SECURITY")
    op.execute(_UNDATED)
    op.execute("DROP VIEW roi.placement_versions")
    op.execute(_VIEW.format(dates=""))


def downgrade() -> None:
    """The view as before; placements stay split, so its two columns are always NULL."""
    op.execute("DROP VIEW roi.placement_versions")
    op.execute(_VIEW.format(dates="valid_from, valid_to,"))
    op.execute("ALTER TABLE roi.versions DROP CONSTRAINT versions_placement_undated")


class _Split:
    """One placement that has several periods, and everything that names it."""

    def __init__(self, connection: sa.Connection, workspace: str, placement: str) -> None:
        self.connection = connection
        self.workspace = workspace
        self.placement = placement
        self.now = self.rows(_TICK)[0].clock_at
        self.states = self.rows(_STATES, id=placement)
        current = [row for row in self.states if row.superseded_at is None]
        self.pieces = [
            Span(_piece_id(placement, r.valid_from), json.loads(r.facts), r.valid_from, r.valid_to)
            for r in current
        ]
        self.pieces[-1] = replace(self.pieces[-1], id=placement)

    def run(self) -> None:
        """Write the pieces, then what names them."""
        self.execute(_DELETE_STATES, id=self.placement)
        for piece in self.pieces:
            self.write_piece(piece)
        for piece in self.pieces[:-1]:
            self.execute(_MOVE_COSTS, id=self.placement, piece=piece.id, valid_to=piece.valid_to)
        for row in self.rows(_NAMING, id=self.placement):
            self.cut(row.id, row.entity)

    def write_piece(self, piece: Span) -> None:
        """The piece in each recorded state of the placement: the period that it lies within."""
        entity = self.entity(self.placement, piece.id)
        recorded: dict[datetime, list[Any]] = {}
        for row in self.states:
            recorded.setdefault(row.recorded_at, []).append(row)
        for rows in recorded.values():
            held = _last_begun_before(rows, piece.valid_to)
            self.add_state("placement", held, id=piece.id, facts=held.facts)
        names = ("creator_id", "campaign_id", "platform", "is_brand", "automatic")
        facts = {name: piece.facts[name] for name in names if piece.facts[name]}
        self.publish(entity, {"v": 2, **facts})

    def cut(self, id: str, kind: str) -> None:
        """Cut what a link or code is now at the pieces; its states of the past stay as they are."""
        states = [row for row in self.rows(_STATES, id=id) if row.superseded_at is None]
        parts = [part for row in states for part in self.parts(row)]
        self.execute(_SUPERSEDE, id=id, now=self.now)
        if kind == "link":
            self.write_parts(id, id, kind, states[0], parts)
            return
        for part in parts[:-1]:
            self.write_parts(id, _piece_id(id, part.valid_from), kind, states[0], [part])
        self.write_parts(id, id, kind, states[0], parts[-1:])

    def parts(self, row: Any) -> Iterator[Span]:
        """The parts of a period of a link or code, each naming its piece."""
        facts = json.loads(row.facts)
        if facts["placement_id"] != self.placement:
            yield Span(row.id, facts, row.valid_from, row.valid_to)
            return
        for piece in self.pieces:
            begins = max(filter(None, (row.valid_from, piece.valid_from)), default=None)
            ends = min(filter(None, (row.valid_to, piece.valid_to)), default=None)
            if begins is None or ends is None or begins < ends:
                # A link has no creator beside its placement; a code always has one.
                is_own = facts["creator_id"] in (None, piece.facts["creator_id"])
                named = piece.id if is_own else None
                yield Span(row.id, {**facts, "placement_id": named}, begins, ends)

    def write_parts(self, id: str, own_id: str, kind: str, like: Any, parts: list[Span]) -> None:
        """The parts as the new state of an entity."""
        entity = self.entity(id, own_id)
        for period, part in enumerate(parts):
            self.add_state(
                kind,
                like,
                id=own_id,
                period=period,
                valid_from=part.valid_from,
                valid_to=part.valid_to,
                recorded_at=self.now,
                superseded_at=None,
                facts=json.dumps(part.facts),
            )
        self.publish(entity, _fields_of(kind, self.workspace, parts))

    def entity(self, id: str, own_id: str) -> Any:
        """The row of an entity: the old one with its next revision, or a new one like it."""
        if own_id == id:
            return self.rows(_RAISE_ENTITY, id=id, now=self.now)[0]
        return self.rows(_COPY_ENTITY, id=id, new_id=own_id, now=self.now)[0]

    def add_state(self, kind: str, like: Any, **changes: Any) -> None:
        """One row of `roi.versions`, recorded as `like` was unless the changes say otherwise."""
        values = {
            "entity": kind,
            "period": 0,
            "valid_from": None,
            "valid_to": None,
            "recorded_at": like.recorded_at,
            "superseded_at": like.superseded_at,
            "archived_at": like.archived_at,
        }
        self.execute(_ADD_STATE, **(values | changes))

    def publish(self, entity: Any, fields: dict[str, Any]) -> None:
        """The catalog record of an entity into the outbox."""
        record = {
            "entity": entity.entity,
            "workspace_id": entity.workspace_id,
            "id": entity.id,
            "revision": entity.revision,
            "recorded_at": _text(entity.recorded_at),
            **({"deleted_at": _text(entity.archived_at)} if entity.archived_at else {}),
            **fields,
        }
        key = f"{entity.workspace_id}/{entity.id}".encode()
        self.execute(_PUBLISH, key=key, value=json.dumps(record).encode())

    def rows(self, statement: str, **arguments: Any) -> list[Any]:
        """What a statement on this workspace gives."""
        arguments["workspace"] = self.workspace
        return list(self.connection.execute(sa.text(statement), arguments))

    def execute(self, statement: str, **arguments: Any) -> None:
        """A statement on this workspace that gives nothing."""
        self.connection.execute(sa.text(statement), arguments | {"workspace": self.workspace})


def _last_begun_before(rows: list[Any], moment: datetime | None) -> Any:
    begun = [
        row for row in rows if moment is None or row.valid_from is None or row.valid_from < moment
    ]
    return begun[-1]


def _fields_of(kind: str, workspace: str, spans: list[Span]) -> dict[str, Any]:
    """The fields of a link's or code's catalog record (version 1)."""
    facts = spans[-1].facts
    periods = [_period(kind, workspace, span) for span in spans]
    if kind == "code":
        text = unicodedata.normalize("NFKC", facts["code"]).strip().upper()
        return {"code": text, "periods": periods}
    names = ("code", "destination", "enabled")
    return {name: facts[name] for name in names} | {"periods": periods}


def _period(kind: str, workspace: str, span: Span) -> dict[str, Any]:
    placement = span.facts["placement_id"] or _automatic(workspace, span.facts["creator_id"])
    found = {"placement_id": placement}
    if kind == "code":
        found["creator_id"] = span.facts["creator_id"]
    dates = {"valid_from": span.valid_from, "valid_to": span.valid_to}
    return found | {name: _text(moment) for name, moment in dates.items() if moment}


def _piece_id(id: str, begins: datetime | None) -> str:
    return str(uuid.uuid5(uuid.UUID(id), _text(begins) if begins else "from the beginning"))


def _automatic(workspace: str, creator: str) -> str:
    """The id of a creator's automatic placement, as `shared.ids` made it at this revision."""
    name = f"{len(workspace)}:{workspace}7:catalog19:automatic_placement{len(creator)}:{creator}"
    return str(uuid.uuid5(uuid.UUID("6c617572-656c-5a1d-8000-000000000001"), name))


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
