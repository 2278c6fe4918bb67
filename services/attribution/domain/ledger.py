"""What a decision puts in the ledger: entries, and the posting that turns the last revision's entries into the new ones.

Promise: a posting only adds; a reversal is the old entry with both signs turned, so the sum of all postings is what the last decision says.
Nothing is posted when nothing changed.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from msgspec import structs

from services.attribution.domain.model import Credit, Decision, Posting
from shared.credits import CreditEntry

_NEVER: Final = datetime(1, 1, 1, tzinfo=UTC)
_Slot = tuple[str, str, datetime, str]


def entries(decision: Decision, revision: int) -> tuple[CreditEntry, ...]:
    """One entry per credit in canonical order; credits of one model, account, touch stage and moment are one entry."""
    slots: dict[_Slot, list[Credit]] = {}
    for credit in decision.credits:
        slots.setdefault(_slot(credit), []).append(credit)
    return tuple(_entry(decision, revision, slots[slot]) for slot in sorted(slots))


def post(
    last: Sequence[CreditEntry] | None,
    decision: Decision,
    revision: int,
    last_occurred_at: datetime | None = None,
) -> Posting:
    """What revision `revision` adds, where `last` are the entries that stand (those of the last revision, without its reversals).

    `last_occurred_at` is the time at which they are booked. A conversion whose time was corrected is booked anew even when its
    entries are equal, and its reversals carry the old time.
    """
    standing = tuple(last or ())
    new = entries(decision, revision)
    moved = last_occurred_at is not None and last_occurred_at != decision.occurred_at
    if _unnumbered(standing) == _unnumbered(new) and not (moved and standing):
        return Posting(revision, ())
    booked_at = last_occurred_at if moved else None
    return Posting(revision, (*(_reversed(entry, revision, booked_at) for entry in standing), *new))


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
    """The entries without their revision, in canonical order."""
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
