"""The net of a conversion: the version that counts, less its adjustments.

Promise: exact integers, independent of the order of arrival. The claim and the adjustment of a
public key never count. An adjustment in another currency than its order is left out and listed in
`Net.mismatched`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from services.attribution.domain.model import (
    Adjustment,
    ConversionVersion,
    is_trusted_source,
)
from shared.code_texts import CodeText
from shared.credits import UNITS_PER_CONVERSION
from shared.events import SourceKind

# A webhook is signed, a secret key is on the servers of the brand, a public key is in a web page.
_TRUST: Final[Mapping[SourceKind, int]] = {"webhook": 3, "secret": 2, "edge": 1, "public": 0}
_TRUSTED_FROM: Final = 2


@dataclass(frozen=True, slots=True)
class Net:
    """The rest of a conversion; `currency` None: without money; `cancelled`: it has no units."""

    currency: str | None
    net_minor: int
    cancelled: bool = False
    mismatched: tuple[str, ...] = ()

    @property
    def units(self) -> int:
        """The units of the conversion, in millionths."""
        return 0 if self.cancelled else UNITS_PER_CONVERSION


def is_trusted(version: ConversionVersion) -> bool:
    """Whether the source of a version may earn credit."""
    return _TRUST[version.source_kind] >= _TRUSTED_FROM


def counted(versions: Iterable[ConversionVersion]) -> ConversionVersion:
    """Return the version that counts: by trust of its source, version clock and event id."""
    return max(versions, key=lambda v: (_TRUST[v.source_kind], v.version, v.event_id))


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
    if version.net_minor is None or version.currency is None:
        net = Net(currency=None, net_minor=0)
    else:
        net = Net(currency=version.currency, net_minor=version.net_minor)
    for adjustment in in_effect_order(adjustments):
        net = _after(net, adjustment, version)
    return net


def in_effect_order(adjustments: Iterable[Adjustment]) -> list[Adjustment]:
    """Sort the trusted adjustments by effect; of one id the smallest event id counts."""
    by_id: dict[str, Adjustment] = {}
    trusted = (a for a in adjustments if is_trusted_source(a.source_kind))
    for adjustment in sorted(trusted, key=lambda a: a.event_id):
        by_id.setdefault(adjustment.adjustment_id, adjustment)
    return sorted(by_id.values(), key=lambda a: (a.occurred_at, a.adjustment_id))


def _after(net: Net, adjustment: Adjustment, version: ConversionVersion) -> Net:
    """Apply one adjustment: set the net, subtract from it, or (without a figure) make it 0."""
    mismatched = net.mismatched
    if adjustment.net_after_minor is None and adjustment.amount_minor is None:
        left = 0  # without a figure the currency does not matter
    elif net.currency is None or adjustment.currency not in (None, net.currency):
        return Net(net.currency, net.net_minor, net.cancelled, (*mismatched, adjustment.event_id))
    elif adjustment.net_after_minor is not None:
        left = adjustment.net_after_minor
    else:
        left = net.net_minor - _taken(net, adjustment, version)
    taken_back = adjustment.kind in ("cancel", "chargeback") or net.cancelled
    return Net(net.currency, left, taken_back and left <= 0, mismatched)


def _taken(net: Net, adjustment: Adjustment, version: ConversionVersion) -> int:
    amount = adjustment.amount_minor or 0
    if version.taxes_included:
        amount = max(amount - adjustment.tax_minor, 0)
    return min(amount, max(net.net_minor, 0)) if adjustment.capped else amount
