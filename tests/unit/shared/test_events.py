"""The fingerprint of an event: all fields but source, received time and a clamped time."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec import structs

from shared.events import Clicked, OrderAdjusted, Ordered, Quality, Source, fingerprint
from shared.ids import new_id

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(minutes=10)
COMMON: dict[str, Any] = {
    "event_id": new_id(),
    "workspace_id": new_id(),
    "source": Source("secret", "k"),
}
ORDER = Ordered(
    **COMMON,
    occurred_at=NOON,
    received_at=NOON,
    natural_id="1001",
    net_minor=4990,
    currency="EUR",
    version=1_772_366_400_000_000,
)
REFUND = OrderAdjusted(
    **COMMON,
    occurred_at=NOON,
    received_at=NOON,
    conversion_kind="purchase",
    natural_id="1001",
    adjustment_id="r1",
    kind="cancel",
)
CLICK = Clicked(**COMMON, occurred_at=NOON, received_at=NOON, link_id=new_id())


@pytest.mark.parametrize("event", [ORDER, REFUND, CLICK])
def test_a_clamped_event_sent_again_is_the_same(event: Ordered | OrderAdjusted | Clicked) -> None:
    """The clamp sets `occurred_at` to the moment of each delivery."""
    first = structs.replace(event, quality=(Quality.CLAMPED,))
    again = structs.replace(first, occurred_at=LATER, received_at=LATER)
    assert fingerprint(first) == fingerprint(again)


def test_a_conversion_sent_again_once_its_time_is_no_longer_in_the_future_is_the_same() -> None:
    clamped = structs.replace(ORDER, quality=(Quality.CLAMPED,))
    assert fingerprint(clamped) == fingerprint(structs.replace(ORDER, occurred_at=LATER))


@pytest.mark.parametrize(
    "other",
    [
        structs.replace(ORDER, net_minor=4991),
        structs.replace(ORDER, version=ORDER.version + 1),
        structs.replace(ORDER, quality=(Quality.CLAMPED,), net_minor=1),
        structs.replace(ORDER, codes=("MIA10",)),
    ],
)
def test_another_value_is_another_payload(other: Ordered) -> None:
    assert fingerprint(other) != fingerprint(ORDER)


def test_a_time_that_is_not_clamped_counts() -> None:
    assert fingerprint(structs.replace(CLICK, occurred_at=LATER)) != fingerprint(CLICK)
    assert fingerprint(structs.replace(REFUND, occurred_at=LATER)) != fingerprint(REFUND)


def test_source_and_received_time_do_not_count() -> None:
    told = structs.replace(
        CLICK, source=Source("edge", ""), received_at=LATER, quality=(Quality.BOT,)
    )
    assert fingerprint(told) == fingerprint(CLICK)
