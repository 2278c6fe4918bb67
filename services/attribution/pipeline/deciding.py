"""Decide components, and turn changed decisions into revisions, ledger lines and credits records.

Promise: an equal decision writes no revision. A published record takes the next number of the
workspace under its lock; a revision that changes only the explanation takes none. For each model,
after the postings of a revision the ledger has exactly the credits of its decision.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from msgspec import Struct

from services.attribution.domain.decide import conversion_id, decide_scope
from services.attribution.domain.ledger import post
from services.attribution.domain.listing import listed
from services.attribution.domain.model import (
    CatalogFacts,
    ConversionKey,
    Decision,
    Status,
    Touch,
)
from services.attribution.domain.stages import conversion_stage
from services.attribution.pipeline.dissolving import dissolve
from services.attribution.pipeline.record_faults import faults_of
from services.attribution.pipeline.record_sorting import CURRENCY_MISMATCH
from services.attribution.pipeline.scope_loading import Gathered, gather
from services.attribution.store import decision_rows as store
from services.attribution.store.decision_rows import Revision, Standing
from services.attribution.store.identity_rows import Keyed
from services.attribution.store.offset_rows import WorkspaceState
from services.attribution.store.outbox_rows import DeadLetter, OutboxRow
from services.attribution.store.scope_queries import Component
from services.attribution.wire.decision_bytes import (
    decode_decision,
    decode_standing,
    encode_decision,
    encode_notes,
    encode_standing,
)
from services.attribution.wire.event_readings import own_key
from shared.code_texts import CodeText
from shared.credits import CreditEntry, DecisionCredited, encode_credits
from shared.ids import natural_id
from shared.log.topics import CREDITS, EVENTS

# The partition and offset of a dead letter of a stored event, which is no record of the batch.
NOWHERE: Final = -1


@dataclass(slots=True)
class NewRows:
    """The rows to write after deciding. `is_queued`: conversions wait in the queue."""

    revisions: list[Revision] = field(default_factory=list)
    outbox: list[OutboxRow] = field(default_factory=list)
    letters: list[DeadLetter] = field(default_factory=list)
    is_queued: bool = False


class Change(Struct, frozen=True, gc=False):
    """A decision that differs from the stored one; `body` is what is stored of it."""

    workspace_id: str
    own_key: bytes
    decision: Decision
    body: bytes
    before: Standing | None


async def decide_again(
    conn: Any,
    components: Collection[Component],
    alone: Collection[Keyed],
    facts: Mapping[str, CatalogFacts],
    states: Mapping[str, WorkspaceState],
    now: datetime,
    reasons: Mapping[Keyed, str],
    otherwise: str,
) -> NewRows:
    """Decide the components, store the new revisions, and return the rows for the outbox.

    `alone` are conversions of dissolved components. Components beyond their bounds are dissolved.
    `reasons` has the reason of the conversions that were named themselves; `otherwise` is the
    reason of the others.
    """
    gathered, over = await gather(conn, components, alone, facts)
    await dissolve(conn, over)
    with faults_of("decide"):
        decided = [(item, _decide(item, facts[item.workspace_id])) for item in gathered]
    keys = {(item.workspace_id, own_key(key)) for item, found in decided for key in found}
    standing = await store.read_standing(conn, keys)
    new_rows = NewRows(is_queued=bool(over))
    looked_at: set[tuple[str, str, bytes]] = set()
    dated: list[tuple[str, bytes, datetime]] = []
    for item, found in decided:
        # Also for unchanged decisions, because their subjects may have changed.
        looked_at |= _looked_at(item, found)
        for change in _changes(item, found, standing):
            reason = reasons.get((change.workspace_id, change.own_key), otherwise)
            revision, row = _revise(change, states[item.workspace_id], now, reason)
            new_rows.revisions.append(revision)
            new_rows.outbox += [row] if row else []
            new_rows.letters += _mismatches(item, change.decision, now)
            if item.own_keys[change.own_key] != revision.occurred_at:
                dated.append((change.workspace_id, change.own_key, revision.occurred_at))
    await store.write_revisions(conn, new_rows.revisions)
    await store.date_aliases(conn, dated)
    await store.write_subjects(conn, looked_at)
    return new_rows


def _decide(item: Gathered, facts: CatalogFacts) -> dict[ConversionKey, Decision]:
    """Decide every conversion of the component, and every adjustment without its order."""
    found = decide_scope(item.scope, facts)
    for adjustment in sorted(item.adjustments, key=lambda a: (a.occurred_at, a.event_id)):
        if adjustment.key not in found:
            found[adjustment.key] = _awaiting(
                item.workspace_id, adjustment.key, adjustment.occurred_at
            )
    return found


def _awaiting(workspace_id: str, key: ConversionKey, occurred_at: datetime) -> Decision:
    return Decision(
        key=key,
        conversion_id=conversion_id(workspace_id, key),
        status=Status.AWAITING_ORDER,
        occurred_at=occurred_at,
        currency=None,
        net_minor=0,
        units=0,
        stage=conversion_stage(key.kind, {}, bought_before=False),
        person_ref="",
        new_customer=None,
        policy_id=None,
    )


def _changes(
    item: Gathered,
    found: Mapping[ConversionKey, Decision],
    standing: Mapping[Keyed, Standing],
) -> Iterable[Change]:
    for key in sorted(found):
        own = own_key(key)
        before = standing.get((item.workspace_id, own))
        decision = found[key]
        body = encode_decision(listed(decision))
        if before is None or before.decision != body:
            yield Change(item.workspace_id, own, decision, body, before)


def _looked_at(
    item: Gathered, found: Mapping[ConversionKey, Decision]
) -> set[tuple[str, str, bytes]]:
    """Return (subject, workspace, own key) for all catalog entities that the decisions used."""
    carried: dict[ConversionKey, set[str]] = {}
    for version in item.versions:
        subjects = carried.setdefault(version.key, set())
        subjects.update(code_subject(code) for code in version.codes)
        if version.click is not None:
            subjects.add(link_subject(version.click.link_id))
    looked_at: set[tuple[str, str, bytes]] = set()
    for key, decision in found.items():
        own = own_key(key)
        subjects = carried.get(key, set()) | _subjects(decision, item.touches)
        looked_at.update((subject, item.workspace_id, own) for subject in subjects)
    return looked_at


def _subjects(decision: Decision, touches: Mapping[str, Touch]) -> set[str]:
    """Return the catalog entities that this decision used; a correction of one decides it again.

    The placements of a link are found through the link.
    """
    subjects: set[str] = set()
    for candidate in decision.candidates:
        touch = touches.get(candidate.touch_id)
        if touch is None:
            if candidate.kind == "survey" and candidate.placement_id is not None:
                subjects.add(placement_subject(candidate.placement_id))
            continue
        if touch.link_id is not None:
            subjects.add(link_subject(touch.link_id))
        if touch.placement_id is not None:
            subjects.add(placement_subject(touch.placement_id))
        if touch.code is not None:
            subjects.add(code_subject(touch.code))
    return subjects


def link_subject(link_id: str) -> str:
    """Return the subject of a link that a decision used."""
    return f"link:{link_id}"


def placement_subject(placement_id: str) -> str:
    """Return the subject of a placement that a decision used."""
    return f"placement:{placement_id}"


def code_subject(code: CodeText) -> str:
    """Return the subject of a code that a decision used."""
    return f"code:{code.text}"


def _revise(
    change: Change, state: WorkspaceState, now: datetime, reason: str
) -> tuple[Revision, OutboxRow | None]:
    decision, before = change.decision, change.before
    revision = before.revision + 1 if before else 1
    last = decode_decision(before.decision) if before else None
    stood = decode_standing(before.standing) if before else ()
    with faults_of("post"):
        posting = post(stood, decision, revision, last.occurred_at if last else None)
    # Readers need no record when neither entries nor memos change, unless the person changes:
    # some readers count persons.
    is_published = bool(posting.entries or posting.memos) or (
        bool(stood) and last is not None and _people_differ(last, decision)
    )
    sequence, recorded_at = (
        state.stamp(now) if is_published else (None, max(now, state.last_recorded_at))
    )
    decision_id = natural_id(
        change.workspace_id, "attribution", "decision", f"{decision.conversion_id}/{revision}"
    )
    written = Revision(
        workspace_id=change.workspace_id,
        own_key=change.own_key,
        conversion_id=decision.conversion_id,
        key=decision.key,
        occurred_at=decision.occurred_at,
        status=decision.status,
        net_minor=decision.net_minor,
        currency=decision.currency,
        models=tuple(sorted({credit.model for credit in decision.credits})),
        revision=revision,
        decision_id=decision_id,
        reason=reason if before else "first_decision",
        body=change.body,
        standing=encode_standing(posting.standing),
        sequence=sequence,
        recorded_at=recorded_at,
        entries=posting.entries,
        memos=posting.memos,
        notes=encode_notes(decision),
    )
    return written, _credited(written, decision) if sequence is not None else None


def _people_differ(last: Decision, decision: Decision) -> bool:
    return (last.person_ref, last.new_customer, last.bought_at) != (
        decision.person_ref,
        decision.new_customer,
        decision.bought_at,
    )


def _credited(revision: Revision, decision: Decision) -> OutboxRow:
    assert revision.sequence is not None, "only numbered revisions are published"
    record = credits_record(
        revision.workspace_id,
        revision.sequence,
        revision.recorded_at,
        revision.decision_id,
        revision.revision,
        decision,
        revision.entries,
        revision.memos,
    )
    key = revision.workspace_id
    return OutboxRow(key, CREDITS.name, key.encode(), encode_credits(record))


def credits_record(
    workspace_id: str,
    sequence: int,
    recorded_at: datetime,
    decision_id: str,
    revision: int,
    decision: Decision,
    entries: tuple[CreditEntry, ...],
    memos: tuple[CreditEntry, ...],
) -> DecisionCredited:
    """Return the credits record of a numbered revision, for the first publication or a replay."""
    return DecisionCredited(
        workspace_id=workspace_id,
        sequence=sequence,
        recorded_at=recorded_at,
        decision_id=decision_id,
        revision=revision,
        conversion_id=decision.conversion_id,
        kind=decision.key.kind,
        natural_id=decision.key.natural_id,
        store=decision.key.store,
        occurred_at=decision.occurred_at,
        currency=decision.currency,
        person_ref=decision.person_ref,
        new_customer=decision.new_customer,
        bought_at=decision.bought_at,
        entries=entries,
        memos=memos,
    )


def _mismatches(item: Gathered, decision: Decision, now: datetime) -> Sequence[DeadLetter]:
    """Return a dead letter for each adjustment in another currency than its order."""
    return [
        DeadLetter(
            dead_letter_id=natural_id(
                item.workspace_id, "attribution", CURRENCY_MISMATCH, event_id
            ),
            workspace_id=item.workspace_id,
            topic=EVENTS.name,
            partition=NOWHERE,
            offset=NOWHERE,
            key=item.workspace_id.encode(),
            value=item.bodies[event_id],
            reason=CURRENCY_MISMATCH,
            detail=f"the order of this adjustment is in {decision.currency}",
            event_id=event_id,
            recorded_at=now,
        )
        for event_id in decision.mismatched
    ]
