"""The ledger entries and memos of a decision, and the posting of a new revision.

Promise: a posting only adds rows. A reversal is the old entry with both signs changed, so the sum
of all postings equals the last decision. Nothing is posted when nothing changed. Credits of
additive models are ledger entries. Credits of other models are memos: they have the same form and
are never in the ledger (`is_additive` of `shared/models.py`).
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from msgspec import structs

from services.attribution.domain.model import Credit, Decision, Posting
from shared.credits import CreditEntry
from shared.models import is_additive

_NEVER: Final = datetime(1, 1, 1, tzinfo=UTC)
_Slot = tuple[str, str, datetime, str]


def entries(decision: Decision, revision: int) -> tuple[CreditEntry, ...]:
    """Return the ledger entries of a decision in canonical order.

    Credits of one model, account, touch stage and moment are one entry.
    """
    return _entries(decision, revision, decision.credits)


def memos(decision: Decision, revision: int) -> tuple[CreditEntry, ...]:
    """Return the memos of a decision, in the form and order of entries."""
    return _entries(decision, revision, decision.memos)


def _entries(
    decision: Decision, revision: int, credits: Sequence[Credit]
) -> tuple[CreditEntry, ...]:
    slots: dict[_Slot, list[Credit]] = {}
    for credit in credits:
        slots.setdefault(_slot(credit), []).append(credit)
    return tuple(_entry(decision, revision, slots[slot]) for slot in sorted(slots))


def post(
    last: Sequence[CreditEntry] | None,
    decision: Decision,
    revision: int,
    last_occurred_at: datetime | None = None,
) -> Posting:
    """Return the rows that a revision adds; `last` are the current entries and memos.

    `last_occurred_at` is the time at which they are booked. If the time of a conversion was
    corrected, its entries are booked again even when they are equal, and the reversals carry the
    old time.
    """
    moved = last_occurred_at is not None and last_occurred_at != decision.occurred_at
    booked_at = last_occurred_at if moved else None
    old_entries, old_memos = _parted(last or ())

    def posted(old: Sequence[CreditEntry], new: tuple[CreditEntry, ...]) -> tuple[CreditEntry, ...]:
        if _unnumbered(old) == _unnumbered(new) and not (moved and old):
            return ()
        return (*(_reversed(entry, revision, booked_at) for entry in old), *new)

    return Posting(
        revision,
        posted(old_entries, entries(decision, revision)),
        posted(old_memos, memos(decision, revision)),
    )


def stands(
    last: Sequence[CreditEntry] | None, decision: Decision, posting: Posting
) -> tuple[CreditEntry, ...]:
    """Return the current entries, then the memos; rows that did not change keep their revision."""
    old_entries, old_memos = _parted(last or ())
    revision = posting.revision
    new_entries = entries(decision, revision) if posting.entries else tuple(old_entries)
    return (*new_entries, *(memos(decision, revision) if posting.memos else old_memos))


def _parted(standing: Sequence[CreditEntry]) -> tuple[list[CreditEntry], list[CreditEntry]]:
    """Separate entries and memos."""
    in_ledger: list[CreditEntry] = []
    beside_it: list[CreditEntry] = []
    for entry in standing:
        (in_ledger if is_additive(entry.model) else beside_it).append(entry)
    return in_ledger, beside_it


def _slot(credit: Credit) -> _Slot:
    touched_at = credit.touched_at or _NEVER
    return (credit.model, credit.account, touched_at, credit.touch_stage or "")


def _entry(decision: Decision, revision: int, credits: Sequence[Credit]) -> CreditEntry:
    return CreditEntry(
        model=credits[0].model,
        revision=revision,
        account=credits[0].account,
        amount_minor=sum(credit.amount_minor for credit in credits),
        units=sum(credit.units for credit in credits),
        currency=decision.currency,
        stage=decision.stage,
        touch_stage=credits[0].touch_stage,
        touched_at=credits[0].touched_at,
    )


def _unnumbered(standing: Sequence[CreditEntry]) -> list[CreditEntry]:
    """Return the entries without their revision, in canonical order."""
    plain = [structs.replace(entry, revision=0, occurred_at=None) for entry in standing]
    return sorted(
        plain, key=lambda e: (e.model, e.account, e.touched_at or _NEVER, e.touch_stage or "")
    )


def _reversed(entry: CreditEntry, revision: int, booked_at: datetime | None) -> CreditEntry:
    return structs.replace(
        entry,
        revision=revision,
        amount_minor=-entry.amount_minor,
        units=-entry.units,
        occurred_at=booked_at,
    )
