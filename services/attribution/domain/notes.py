"""What is doubtful about a conversion, so that a person looks at it. Pure.

Promise: the notes depend only on the set of trusted evidence. They change no figure. Each has the
event that it is about, or none when the order itself is meant.
"""

from collections.abc import Iterable, Sequence

from services.attribution.domain.model import (
    Adjustment,
    ConversionVersion,
    Doubt,
    Note,
    is_trusted_source,
)
from services.attribution.domain.netting import Net, source_of
from shared.money import format_minor


def notes_of(
    counted: ConversionVersion,
    versions: Sequence[ConversionVersion],
    adjustments: Iterable[Adjustment],
    net: Net,
) -> tuple[Note, ...]:
    """Return the notes on a conversion; `versions` are all of its trusted versions."""
    trusted = [item for item in adjustments if is_trusted_source(item.source_kind)]
    notes = [
        Note(doubt, adjustment.event_id, adjustment.occurred_at, _taken(adjustment, counted))
        for adjustment in sorted(trusted, key=lambda a: (a.occurred_at, a.event_id))
        for doubt in _doubts(adjustment, net)
    ]
    if counted.unpaid and net.is_kept:
        detail = "the money for this order has not come yet"
        notes.append(Note("unpaid", None, counted.occurred_at, detail))
    others = (version for version in versions if _disagrees(version, counted))
    return (*notes, *(_other(version, counted) for version in others))


def _doubts(adjustment: Adjustment, net: Net) -> Iterable[Doubt]:
    if adjustment.event_id in net.above_rest:
        yield "above_rest"
    if adjustment.event_id in net.told_elsewhere:
        yield "told_elsewhere"
    if adjustment.event_id in net.pending:
        yield "pending"


def _taken(adjustment: Adjustment, counted: ConversionVersion) -> str:
    currency = adjustment.currency or counted.currency
    amount = _money(adjustment.amount_minor, currency)
    return f"the {adjustment.kind} {adjustment.adjustment_id} takes {amount}"


def _disagrees(version: ConversionVersion, counted: ConversionVersion) -> bool:
    """Whether a version that does not count tells another value than the one that counts.

    A version that its source replaced by a newer one is no doubt, and neither is history, which
    tells about the customer. A version without a clock that
    came after the one that counts may be a correction whose sender forgot its time.
    """
    if version.history:
        return False
    told = (version.net_minor, version.currency, bool(version.cancelled))
    if told == (counted.net_minor, counted.currency, bool(counted.cancelled)):
        return False
    if source_of(version) != source_of(counted):
        return True
    if version.tie_break or version.received_at is None or counted.received_at is None:
        return False
    return version.received_at > counted.received_at


def _other(version: ConversionVersion, counted: ConversionVersion) -> Note:
    told, counts = (_money(v.net_minor, v.currency) for v in (version, counted))
    detail = f"{version.source_kind} tells {told}, {counts} counts"
    return Note("disagrees", version.event_id, version.occurred_at, detail)


def _money(minor: int | None, currency: str | None) -> str:
    if minor is None or currency is None:
        return "no amount"
    return f"{format_minor(minor, currency)} {currency}"
