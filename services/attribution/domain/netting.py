"""The net of a conversion: the version that counts, less its adjustments.

Promise: exact integers, independent of the order of arrival. The version of the most trusted source
counts; of one trust the newest, by the clock of the vendor and then by `tie_break`. A past order
counts only if no trusted source tells the order itself. The claim and the adjustment of a public
key never count. An adjustment in another currency than its order is left
out (`Net.mismatched`), and so is a refund of another source when the source of the order tells
refunds itself (`Net.told_elsewhere`). What is taken beyond what is left is in the net, and named
(`Net.above_rest`).
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import partial
from itertools import accumulate
from typing import Final
from uuid import UUID

from msgspec import Struct, structs

from services.attribution.domain.model import (
    Adjustment,
    ConversionVersion,
    is_trusted_source,
)
from shared.catalog import ZeroValueOrders
from shared.code_texts import CodeText
from shared.events import AdjustmentKind, SourceKind

# A webhook is signed, a secret key is on the servers of the brand, a public key is in a web page.
_TRUST: Final[Mapping[SourceKind, int]] = {"webhook": 3, "secret": 2, "edge": 1, "public": 0}
_TRUSTED_FROM: Final = 2
# Nothing is left to refund after these.
_WHOLE: Final[frozenset[AdjustmentKind]] = frozenset(("cancel", "chargeback"))


class Net(Struct, frozen=True, gc=False):
    """The rest of a conversion; `currency` None: without money.

    `cancelled`: cancelled, voided or charged back, so nothing is left to refund. `refunded`: given
    back whole by refunds. The last four fields are ids of events.
    """

    currency: str | None
    net_minor: int
    cancelled: bool = False
    refunded: bool = False
    mismatched: tuple[str, ...] = ()
    above_rest: tuple[str, ...] = ()
    told_elsewhere: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()

    @property
    def is_kept(self) -> bool:
        """Whether the conversion stands: it was not cancelled and not given back whole."""
        return not self.cancelled and not self.refunded

    def is_conversion(self, zero_value_orders: ZeroValueOrders) -> bool:
        """Whether it counts as a conversion. A sale of nothing does if the policy says so."""
        is_sale_of_nothing = self.currency is not None and self.net_minor == 0
        counts_nothing = zero_value_orders is ZeroValueOrders.COUNT
        return self.is_kept and (counts_nothing or not is_sale_of_nothing)


class Course(Struct, frozen=True, gc=False):
    """How a net came about: `nets` are that before the first applied adjustment and after each.

    `applied` are in the order of effect; an adjustment that a newer report of it replaced is not
    among them. `told_elsewhere` are the ids of refunds of another source that do not count.
    """

    applied: tuple[Adjustment, ...]
    nets: tuple[Net, ...]
    told_elsewhere: tuple[str, ...]


def is_trusted(version: ConversionVersion) -> bool:
    """Whether the source of a version may earn credit."""
    return _TRUST[version.source_kind] >= _TRUSTED_FROM


def is_less_trusted(version: ConversionVersion, other: ConversionVersion) -> bool:
    """Whether the source of a version is trusted less than that of another one."""
    return _TRUST[version.source_kind] < _TRUST[other.source_kind]


def counted(versions: Iterable[ConversionVersion]) -> ConversionVersion:
    """Return the version that counts: by trust of its source, then the newest.

    A version of history is before claims only: what a trusted source tells of the order itself
    replaces it. Versions with one clock and one `tie_break` are as new as each other. Then the
    greater amount counts, and the event id only chooses among versions of one amount.
    """
    return max(
        versions,
        key=lambda v: (
            is_trusted(v) and not v.history,
            _TRUST[v.source_kind],
            v.version,
            v.tie_break,
            abs(v.net_minor or 0),
            v.event_id,
        ),
    )


def codes_on(versions: Iterable[ConversionVersion]) -> tuple[CodeText, ...]:
    """Return the codes of the latest version of each trusted source."""
    latest: dict[tuple[SourceKind, str], ConversionVersion] = {}
    for version in versions:
        source = (version.source_kind, version.source_id)
        if is_trusted(version):
            latest[source] = counted((version, latest.get(source, version)))
    codes = {code for version in latest.values() for code in version.codes}
    return tuple(sorted(code for code in codes if code.text))


def net_of(version: ConversionVersion, adjustments: Iterable[Adjustment]) -> Net:
    """Return the net after the adjustments, applied by (occurred_at, adjustment_id)."""
    course = course_of(version, adjustments)
    if version.cancelled:
        return course.nets[-1]
    pending = tuple(a.event_id for a in course.applied if a.pending and a.amount_minor)
    return structs.replace(course.nets[-1], told_elsewhere=course.told_elsewhere, pending=pending)


def course_of(version: ConversionVersion, adjustments: Iterable[Adjustment]) -> Course:
    """Return how the net came about. The adjustments of a cancelled version change nothing."""
    applied, told_elsewhere = _in_effect(version, adjustments)
    first = _as_told(version)
    if version.cancelled:
        nets = [first] * (len(applied) + 1)
    else:
        nets = list(accumulate(applied, partial(_after, version=version), initial=first))
    return Course(tuple(applied), tuple(nets), told_elsewhere)


def _as_told(version: ConversionVersion) -> Net:
    """Return the net of a version before its adjustments."""
    if version.net_minor is None or version.currency is None:
        net = Net(currency=None, net_minor=0)
    else:
        net = Net(currency=version.currency, net_minor=version.net_minor)
    return structs.replace(net, net_minor=0, cancelled=True) if version.cancelled else net


def _in_effect(
    version: ConversionVersion, adjustments: Iterable[Adjustment]
) -> tuple[list[Adjustment], tuple[str, ...]]:
    """Return the adjustments that count, in the order of effect, and the refunds told elsewhere.

    Of one adjustment of one source the newest version counts. A version that tells whether the
    order is cancelled replaces what an older release of its adapter told as an adjustment.
    """
    own = source_of(version)
    latest: dict[tuple[tuple[str, str], str], Adjustment] = {}
    for adjustment in adjustments:
        is_old_form = version.cancelled is not None and adjustment.kind == "cancel"
        if not is_trusted_source(adjustment.source_kind) or (
            is_old_form and source_of(adjustment) == own
        ):
            continue
        told = (source_of(adjustment), adjustment.adjustment_id)
        latest[told] = max(latest.get(told, adjustment), adjustment, key=_age)
    tells_refunds = any(a.kind == "refund" and source_of(a) == own for a in latest.values())
    here: list[Adjustment] = []
    elsewhere: list[Adjustment] = []
    for adjustment in sorted(latest.values(), key=_effect):
        is_refund_elsewhere = adjustment.kind == "refund" and source_of(adjustment) != own
        (elsewhere if tells_refunds and is_refund_elsewhere else here).append(adjustment)
    return here, tuple(adjustment.event_id for adjustment in elsewhere)


def source_of(told: ConversionVersion | Adjustment) -> tuple[str, str]:
    """Return the source: a connection, or all keys of one kind."""
    return (told.source_kind or "", told.source_id if told.source_kind == "webhook" else "")


def _age(adjustment: Adjustment) -> tuple[int, int]:
    # Of old events, which have no version, the smallest id has always counted.
    return (adjustment.version, -UUID(adjustment.event_id).int)


def _effect(adjustment: Adjustment) -> tuple[datetime, str, tuple[str, str]]:
    return (adjustment.occurred_at, adjustment.adjustment_id, source_of(adjustment))


def _after(net: Net, adjustment: Adjustment, version: ConversionVersion) -> Net:
    """Apply one adjustment: set the net, subtract from it, or (without a figure) make it 0."""
    if adjustment.net_after_minor is None and adjustment.amount_minor is None:
        left = 0  # without a figure the currency does not matter
    elif net.currency is None or adjustment.currency not in (None, net.currency):
        return structs.replace(net, mismatched=(*net.mismatched, adjustment.event_id))
    elif adjustment.net_after_minor is not None:
        left = adjustment.net_after_minor
    else:
        return _taken_from(net, adjustment, version)
    is_whole = adjustment.kind in _WHOLE or (net.cancelled and adjustment.kind != "edit")
    is_refunded = adjustment.kind == "refund" and left <= 0
    return structs.replace(
        net, net_minor=left, cancelled=is_whole and left <= 0, refunded=is_refunded
    )


def _taken_from(net: Net, adjustment: Adjustment, version: ConversionVersion) -> Net:
    """Subtract the amount of a refund or chargeback. Nothing is left of a cancelled order."""
    amount = adjustment.amount_minor or 0
    if version.taxes_included:
        amount = max(amount - adjustment.tax_minor, 0)
    rest = 0 if net.cancelled else max(net.net_minor, 0)
    above_rest = net.above_rest
    is_refund = adjustment.kind == "refund"
    if amount > rest and not net.cancelled and (is_refund or not adjustment.capped):
        above_rest = (*above_rest, adjustment.event_id)
    taken = min(amount, rest) if adjustment.capped or net.cancelled else amount
    left = net.net_minor - taken
    is_gone = left <= 0 and taken > 0
    return structs.replace(
        net,
        net_minor=left,
        cancelled=net.cancelled or (is_gone and adjustment.kind in _WHOLE),
        refunded=net.refunded or is_gone,
        above_rest=above_rest,
    )
