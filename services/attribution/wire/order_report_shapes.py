"""What was told of one conversion, as an explanation shows it: versions and adjustments.

Promise: at most `SHOWN_MAX` of each are shown, the newest. Money is always `{amount_minor,
currency}`, and null for a conversion without money.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from services.attribution.domain.model import Adjustment, ConversionVersion
from services.attribution.domain.order_reports import (
    OrderReports,
    ToldAdjustment,
    ToldVersion,
    reports_of,
)
from services.attribution.wire.answer_shapes import money
from services.attribution.wire.event_readings import conversion_evidence
from shared.api.shapes import AnswerModel, MoneyOut

SHOWN_MAX: Final = 100
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class VersionAnswer(AnswerModel):
    """One report of the order or conversion itself."""

    event_id: str
    """The id of the event."""
    source: str
    """How it came: by a signed webhook, or with a secret key."""
    source_id: str
    """The id of the connection or of the key."""
    updated_at: datetime
    """When it was changed there, which orders the versions; else the time of the conversion."""
    received_at: datetime | None
    """When it was received."""
    net: MoneyOut | None
    """Its goods less discounts, without tax and shipping; null without money."""
    cancelled: bool
    """Whether it says that the order was cancelled."""
    counted: bool
    """Whether it is the version that counts."""
    reason: str | None
    """Why it does not count: replaced by a newer one, or less_trusted; null when it counts."""


class AdjustmentAnswer(AnswerModel):
    """One report of a refund, edit, cancellation or chargeback of the order."""

    event_id: str
    """The id of the event."""
    adjustment_id: str
    """The id of the adjustment; its later reports have the same one."""
    kind: str
    """The kind of the adjustment: refund, cancel, chargeback or edit."""
    amount: MoneyOut | None
    """The amount that it takes away, as it was sent; null for other adjustments."""
    tax: MoneyOut | None
    """The part of the amount that is no goods, as it was sent; null without one."""
    net_after: MoneyOut | None
    """The net that an edit sets; null for other adjustments."""
    occurred_at: datetime
    """When it happened."""
    source: str | None
    """How it came: by a signed webhook, or with a secret key."""
    source_id: str
    """The id of the connection or of the key."""
    counted: bool
    """Whether it is in the net of the order."""
    pending: bool
    """Whether it counts and its money is not paid back yet."""
    reason: str | None
    """Why it does not count, or `above_rest` if it takes more than was left; null otherwise."""
    net_change: MoneyOut | None
    """What it changed the net by: of a refund its goods, below 0; null without money."""


def report_answers(
    bodies: Iterable[bytes],
) -> tuple[list[VersionAnswer], list[AdjustmentAnswer]]:
    """Return the newest of what the stored trusted evidence of one conversion tells."""
    facts = [conversion_evidence(body) for body in bodies]
    reports = reports_of(
        [fact for fact in facts if isinstance(fact, ConversionVersion)],
        [fact for fact in facts if isinstance(fact, Adjustment)],
    )
    return (
        [_version(item) for item in reports.versions[-SHOWN_MAX:]],
        [_adjustment(item, reports) for item in reports.adjustments[-SHOWN_MAX:]],
    )


def _version(told: ToldVersion) -> VersionAnswer:
    version = told.version
    return VersionAnswer(
        event_id=version.event_id,
        source=version.source_kind,
        source_id=version.source_id,
        updated_at=_EPOCH + timedelta(microseconds=version.version),
        received_at=version.received_at,
        net=_money(version.net_minor, version.currency),
        cancelled=bool(version.cancelled),
        counted=told.reason is None,
        reason=told.reason,
    )


def _adjustment(told: ToldAdjustment, reports: OrderReports) -> AdjustmentAnswer:
    item = told.adjustment
    currency = item.currency or reports.currency
    return AdjustmentAnswer(
        event_id=item.event_id,
        adjustment_id=item.adjustment_id,
        kind=item.kind,
        amount=_money(item.amount_minor, currency),
        tax=_money(item.tax_minor or None, currency),
        net_after=_money(item.net_after_minor, currency),
        occurred_at=item.occurred_at,
        source=item.source_kind,
        source_id=item.source_id,
        counted=told.counts,
        pending=told.is_pending,
        reason=told.reason,
        net_change=money(told.net_change_minor, reports.currency),
    )


def _money(minor: int | None, currency: str | None) -> MoneyOut | None:
    return None if minor is None else money(minor, currency)
