"""What was told of one conversion: its versions and adjustments, and whether each counts. Pure.

Promise: the result depends only on the set of trusted evidence. What the adjustments changed adds
up to the net less that of the version that counts. Everything that does not count has a reason.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from itertools import pairwise

from msgspec import Struct

from services.attribution.domain.model import Adjustment, ConversionVersion, is_trusted_source
from services.attribution.domain.netting import (
    Net,
    counted,
    course_of,
    is_less_trusted,
    is_trusted,
    source_of,
)


class VersionReason(StrEnum):
    """Why a version does not count: the closed list."""

    REPLACED = "replaced"
    LESS_TRUSTED = "less_trusted"


class AdjustmentReason(StrEnum):
    """What is to be said of an adjustment: the closed list. Of `above_rest` the amount counts."""

    ABOVE_REST = "above_rest"
    REPLACED = "replaced"
    CAME_BACK = "came_back"
    TAKES_NOTHING = "takes_nothing"
    NOTHING_LEFT = "nothing_left"
    TOLD_ELSEWHERE = "told_elsewhere"
    OTHER_CURRENCY = "other_currency"
    NOT_TRUSTED = "not_trusted"
    AWAITING_ORDER = "awaiting_order"
    TEST_ORDER = "test_order"
    PAST_ORDER = "past_order"


_COUNTING = (None, AdjustmentReason.ABOVE_REST)


class ToldVersion(Struct, frozen=True, gc=False):
    """One version of a conversion; `reason` None: it counts."""

    version: ConversionVersion
    reason: VersionReason | None


class ToldAdjustment(Struct, frozen=True, gc=False):
    """One report of an adjustment, and what it changed the net by, in minor units."""

    adjustment: Adjustment
    reason: AdjustmentReason | None
    net_change_minor: int = 0

    @property
    def counts(self) -> bool:
        """Whether the adjustment is in the net."""
        return self.reason in _COUNTING

    @property
    def is_pending(self) -> bool:
        """Whether it counts and its money is not paid back yet."""
        return self.counts and self.adjustment.pending and bool(self.adjustment.amount_minor)


class OrderReports(Struct, frozen=True, gc=False):
    """All that was told of one conversion: versions oldest first, adjustments in order of effect.

    `currency` is that of the version that counts; None without money or without a version.
    """

    versions: tuple[ToldVersion, ...]
    adjustments: tuple[ToldAdjustment, ...]
    currency: str | None


def reports_of(
    versions: Iterable[ConversionVersion], adjustments: Iterable[Adjustment]
) -> OrderReports:
    """Return what was told of one conversion, from its trusted versions and all its adjustments."""
    told = sorted(filter(is_trusted, versions), key=lambda v: (v.version, v.tie_break, v.event_id))
    best = counted(told) if told else None
    return OrderReports(
        versions=tuple(ToldVersion(version, _version_reason(version, best)) for version in told),
        adjustments=_adjustments(best, tuple(adjustments)),
        currency=best.currency if best else None,
    )


def _version_reason(
    version: ConversionVersion, best: ConversionVersion | None
) -> VersionReason | None:
    if best is None or version is best:
        return None
    is_less = is_less_trusted(version, best)
    return VersionReason.LESS_TRUSTED if is_less else VersionReason.REPLACED


def _adjustments(
    best: ConversionVersion | None, adjustments: Sequence[Adjustment]
) -> tuple[ToldAdjustment, ...]:
    if best is None:
        found = [ToldAdjustment(item, AdjustmentReason.AWAITING_ORDER) for item in adjustments]
    elif best.history:
        found = [ToldAdjustment(item, AdjustmentReason.PAST_ORDER) for item in adjustments]
    elif best.test:
        found = [ToldAdjustment(item, AdjustmentReason.TEST_ORDER) for item in adjustments]
    else:
        found = _judged(best, adjustments)
    return tuple(sorted(found, key=_effect))


def _judged(best: ConversionVersion, adjustments: Sequence[Adjustment]) -> list[ToldAdjustment]:
    course = course_of(best, adjustments)
    taking = {_told(item) for item in adjustments if item.amount_minor}
    found: list[ToldAdjustment] = []
    for item, (before, after) in zip(course.applied, pairwise(course.nets), strict=True):
        reason = _reason(item, before, after, has_taken=_told(item) in taking)
        found.append(ToldAdjustment(item, reason, after.net_minor - before.net_minor))
    applied = {item.event_id for item in course.applied}
    for item in adjustments:
        if item.event_id not in applied:
            found.append(ToldAdjustment(item, _not_applied(item, course.told_elsewhere)))
    return found


def _not_applied(item: Adjustment, told_elsewhere: Sequence[str]) -> AdjustmentReason:
    if not is_trusted_source(item.source_kind):
        return AdjustmentReason.NOT_TRUSTED
    if item.event_id in told_elsewhere:
        return AdjustmentReason.TOLD_ELSEWHERE
    return AdjustmentReason.REPLACED


def _reason(
    item: Adjustment, before: Net, after: Net, *, has_taken: bool
) -> AdjustmentReason | None:
    """Return what is to be said of an applied adjustment; None: it counts as it was sent.

    `has_taken`: an older report of it took something.
    """
    if item.event_id in after.mismatched:
        return AdjustmentReason.OTHER_CURRENCY
    if item.event_id in after.above_rest:
        return AdjustmentReason.ABOVE_REST
    if after != before:
        return None
    if item.amount_minor == 0:
        return AdjustmentReason.CAME_BACK if has_taken else AdjustmentReason.TAKES_NOTHING
    if before.cancelled or (item.amount_minor and before.net_minor <= 0):
        return AdjustmentReason.NOTHING_LEFT
    return AdjustmentReason.TAKES_NOTHING if item.amount_minor else None


def _told(item: Adjustment) -> tuple[tuple[str, str], str]:
    return (source_of(item), item.adjustment_id)


def _effect(told: ToldAdjustment) -> tuple[object, ...]:
    item = told.adjustment
    return (item.occurred_at, item.adjustment_id, source_of(item), item.version, item.event_id)
