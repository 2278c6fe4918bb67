"""Read all that explains one conversion: a page of its decisions, and what was told of it.

Promise: everything is read in the caller's snapshot. Each decision has the windows that decided it,
as far as they are still known.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from services.attribution.domain.journey import windows_of
from services.attribution.domain.listing import listed
from services.attribution.domain.model import Decision
from services.attribution.domain.policies import DEFAULT_POLICY
from services.attribution.store import read_queries
from services.attribution.store.attention import KINDS
from services.attribution.store.attention_rows import Attention, attention_of_order
from services.attribution.store.catalog_rows import read_records
from services.attribution.store.read_queries import LedgerLine, StoredRevision, Told
from services.attribution.wire.decision_bytes import decode_decision
from services.attribution.wire.event_readings import claims_key
from shared.catalog import Policy

# Revisions are numbered by a 32-bit column.
REVISION_MAX: Final = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Explained:
    """One decision with its listed candidates.

    `windows` are those of its policy, in days by kind of touch; None if the policy was changed.
    """

    stored: StoredRevision
    decision: Decision
    windows: Mapping[str, int] | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """A page of decisions, oldest first, with the ledger lines that they wrote.

    `told` and `attention` are of the conversion as it is now. `left_out` counts the older lines.
    """

    revisions: Sequence[Explained]
    lines: Sequence[LedgerLine]
    left_out: int
    told: Told
    attention: Sequence[Attention]


async def read_explanation(
    conn: Any, workspace_id: str, own_key: bytes, *, below: int | None, limit: int
) -> Explanation | None:
    """Return the newest decisions below a number (None: of all); None if there is none."""
    numbers_end = REVISION_MAX + 1 if below is None else below
    revisions = await read_queries.revisions(conn, own_key, numbers_end, limit)
    if not revisions:
        return None
    lines, left_out = await read_queries.ledger_lines(
        conn, own_key, revisions[0].revision, revisions[-1].revision
    )
    return Explanation(
        revisions=await _explained(conn, workspace_id, revisions, has_last=below is None),
        lines=lines,
        left_out=left_out,
        told=await read_queries.told(conn, own_key),
        attention=await attention_of_order(conn, KINDS.values(), (own_key, claims_key(own_key))),
    )


async def last_decision(conn: Any, workspace_id: str, own_key: bytes) -> Explained:
    """Return the last decision on a conversion."""
    revisions = await read_queries.revisions(conn, own_key, REVISION_MAX + 1, 1)
    (last,) = await _explained(conn, workspace_id, revisions, has_last=True)
    return last


async def _explained(
    conn: Any, workspace_id: str, revisions: Sequence[StoredRevision], *, has_last: bool
) -> list[Explained]:
    """Return the decisions; the last decision was made again after each change of its policy."""
    decisions = [listed(decode_decision(stored.body)) for stored in revisions]
    policies = await _policies(conn, workspace_id, (item.policy_id for item in decisions))
    last = revisions[-1] if has_last else None
    return [
        Explained(
            stored,
            decision,
            _windows(
                policies.get(decision.policy_id), None if stored is last else stored.recorded_at
            ),
        )
        for stored, decision in zip(revisions, decisions, strict=True)
    ]


async def _policies(
    conn: Any, workspace_id: str, ids: Iterable[str | None]
) -> dict[str | None, Policy]:
    """Return the policies with these ids as they are now; None is the default."""
    known = await read_records(conn, {(workspace_id, id) for id in ids if id is not None})
    found: dict[str | None, Policy] = {None: DEFAULT_POLICY}
    for (_, policy_id), record in known.items():
        if isinstance(record, Policy):
            found[policy_id] = record
    return found


def _windows(policy: Policy | None, decided_at: datetime | None) -> Mapping[str, int] | None:
    """Return the windows of a policy; None if it was changed since `decided_at`."""
    if policy is None or (decided_at is not None and policy.recorded_at > decided_at):
        return None
    return windows_of(policy)
