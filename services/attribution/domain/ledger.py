"""The ledger entries and memos of a decision, and the posting of a new revision.

Promise: credits of one slot are one entry (`CreditEntry` in `shared/credits.py` defines the slot).
A posting only adds rows. A reversal is the old entry with its signs changed, so the sum of all
postings equals the last decision. Only slots that changed are reversed and booked again. Credits of
additive models are ledger entries. Credits of other models are memos: they have the same form and
are never in the ledger (`is_additive` of `shared/models.py`).
What can go wrong: an entry in the form of version 1 (a touch with its exact time) equals no new
entry, so the first new revision of its conversion reverses it.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from fractions import Fraction
from typing import Final

from msgspec import structs

from services.attribution.domain.model import Credit, Decision, Posting
from services.attribution.domain.quarters import quarter_of
from shared.credits import CreditEntry
from shared.models import is_additive

_NEVER: Final = datetime(1, 1, 1, tzinfo=UTC)
# The sort key of a slot: every field of it, None as the least value.
Slot = tuple[str, str, datetime, str, str, str, str, str, str]


def entries(decision: Decision, revision: int) -> tuple[CreditEntry, ...]:
    """Return the ledger entries of a decision, one for each slot, in canonical order."""
    return _entries(decision, revision, decision.credits)


def memos(decision: Decision, revision: int) -> tuple[CreditEntry, ...]:
    """Return the memos of a decision, in the form and order of entries."""
    return _entries(decision, revision, decision.memos)


def slotted(decision: Decision) -> Decision:
    """Return the decision with the credits and memos of one slot added up.

    A sum of several has the touch id and the time of its oldest touch. Entries and memos stay.
    """
    return structs.replace(
        decision, credits=_by_slot(decision.credits), memos=_by_slot(decision.memos)
    )


def added_up(credits: Sequence[Credit]) -> Credit:
    """Return the sum of credits; its other fields are those of the oldest touch."""
    if len(credits) == 1:
        return credits[0]
    oldest = min(credits, key=lambda c: (c.touched_at or _NEVER, c.touch_id or ""))
    is_placed = oldest.placed_units is not None
    return structs.replace(
        oldest,
        share=sum((credit.share for credit in credits), start=Fraction(0)),
        amount_minor=sum(credit.amount_minor for credit in credits),
        units=sum(credit.units for credit in credits),
        placed_units=sum(credit.placed_units or 0 for credit in credits) if is_placed else None,
        touches=sum(credit.touches for credit in credits),
    )


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

    def posted(
        old: Sequence[CreditEntry], new: Sequence[CreditEntry]
    ) -> tuple[tuple[CreditEntry, ...], list[CreditEntry]]:
        unchanged = set() if moved else set(map(_plain, old)).intersection(map(_plain, new))
        gone = [entry for entry in old if _plain(entry) not in unchanged]
        come = [entry for entry in new if _plain(entry) not in unchanged]
        stays = [entry for entry in old if _plain(entry) in unchanged]
        return (*(_reversed(entry, revision, booked_at) for entry in gone), *come), stays + come

    new_rows, standing_entries = posted(old_entries, entries(decision, revision))
    new_memos, standing_memos = posted(old_memos, memos(decision, revision))
    standing = (
        *sorted(standing_entries, key=_slot_of_entry),
        *sorted(standing_memos, key=_slot_of_entry),
    )
    return Posting(revision, new_rows, new_memos, standing)


def _entries(
    decision: Decision, revision: int, credits: Sequence[Credit]
) -> tuple[CreditEntry, ...]:
    return tuple(_entry(decision, revision, credit) for credit in _by_slot(credits))


def _by_slot(credits: Iterable[Credit]) -> tuple[Credit, ...]:
    slots: dict[Slot, list[Credit]] = {}
    for credit in credits:
        slots.setdefault(_slot_of(credit), []).append(credit)
    return tuple(added_up(slots[slot]) for slot in sorted(slots))


def _parted(standing: Sequence[CreditEntry]) -> tuple[list[CreditEntry], list[CreditEntry]]:
    """Separate entries and memos."""
    in_ledger: list[CreditEntry] = []
    beside_it: list[CreditEntry] = []
    for entry in standing:
        (in_ledger if is_additive(entry.model) else beside_it).append(entry)
    return in_ledger, beside_it


def _slot_of(credit: Credit) -> Slot:
    return (
        credit.model,
        credit.account,
        _slot_time(credit) or _NEVER,
        credit.touch_stage or "",
        credit.touch_kind or "",
        credit.evidence_class or "",
        credit.link_id or "",
        credit.code or "",
        credit.sub_source or "",
    )


def _slot_time(credit: Credit) -> datetime | None:
    """Return the time of the slot: the quarter, or the exact time on credits of version 1."""
    if credit.touched_at is None or credit.placed_units is None:
        return credit.touched_at
    return quarter_of(credit.touched_at)


def _slot_of_entry(entry: CreditEntry) -> Slot:
    return (
        entry.model,
        entry.account,
        entry.touched_at or _NEVER,
        entry.touch_stage or "",
        entry.touch_kind or "",
        entry.evidence_class or "",
        entry.link_id or "",
        entry.code or "",
        entry.sub_source or "",
    )


def _entry(decision: Decision, revision: int, credit: Credit) -> CreditEntry:
    return CreditEntry(
        model=credit.model,
        revision=revision,
        account=credit.account,
        amount_minor=credit.amount_minor,
        units=credit.units,
        currency=decision.currency,
        stage=decision.stage,
        touch_stage=credit.touch_stage,
        touched_at=_slot_time(credit),
        touch_kind=credit.touch_kind,
        evidence_class=credit.evidence_class,
        link_id=credit.link_id,
        code=credit.code,
        sub_source=credit.sub_source,
        placed_units=credit.placed_units,
        net_minor=None if credit.placed_units is None else decision.net_minor,
    )


def _plain(entry: CreditEntry) -> CreditEntry:
    """Return an entry without the revision that booked it."""
    return structs.replace(entry, revision=0, occurred_at=None)


def _reversed(entry: CreditEntry, revision: int, booked_at: datetime | None) -> CreditEntry:
    return structs.replace(
        entry,
        revision=revision,
        amount_minor=-entry.amount_minor,
        units=-entry.units,
        placed_units=None if entry.placed_units is None else -entry.placed_units,
        occurred_at=booked_at,
        # Memos are stored in no table: a replay knows only that they stood before this revision.
        reverses=entry.revision if is_additive(entry.model) else revision - 1,
    )
