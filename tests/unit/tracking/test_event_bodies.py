"""Reports by API key: the versions of an order, the tax in a refund, and ids with blanks."""

from datetime import UTC, datetime
from typing import Any

import pytest

from services.tracking.wire.event_bodies import AdjustmentIn, ConversionIn
from shared.http.problems import Problem

ORDER: dict[str, Any] = {
    "order_id": "5001",
    "occurred_at": "2026-03-01T12:00:00Z",
    "net": "100.00",
    "currency": "EUR",
}
REFUND: dict[str, Any] = {
    "order_id": "5001",
    "adjustment_id": "r1",
    "kind": "refund",
    "amount": "11.90",
    "currency": "EUR",
    "occurred_at": "2026-03-05T12:00:00Z",
}


def test_a_report_with_its_time_is_a_version_of_its_own() -> None:
    plain = ConversionIn(**ORDER).claim()
    assert (plain.version, plain.tie_break, plain.natural_key) == (None, (), None)
    first, second = (
        ConversionIn(**ORDER, updated_at=f"2026-03-01T12:00:0{n}Z").claim() for n in range(2)
    )
    assert first.version is not None
    assert second.version == first.version + 1_000_000
    assert first.natural_key != second.natural_key
    # At one time the report that tells its time is the newer one.
    assert datetime.fromtimestamp(first.version / 1e6, UTC) == first.occurred_at
    assert first.tie_break > plain.tie_break


@pytest.mark.parametrize(
    ("fields", "taken"),
    [
        ({}, 1190),
        ({"tax": "1.90"}, 1000),
        ({"tax": "0"}, 1190),
        ({"tax": "11.90"}, 0),
        ({"tax": {"amount_minor": 190}}, 1000),
        ({"amount": None, "amount_minor": 1190, "tax": "1.90"}, 1000),
    ],
)
def test_the_tax_in_a_refund_is_not_taken_away(fields: dict[str, Any], taken: int) -> None:
    assert AdjustmentIn(**REFUND | fields).claim().amount_minor == taken


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"tax": "-0.01"}, "tax"),
        ({"tax": "11.91"}, "tax"),
        ({"tax": {"amount": "1.90", "currency": "USD"}}, "tax.currency"),
        ({"kind": "cancel", "amount": None, "tax": "1.90"}, "tax"),
        ({"kind": "edit", "amount": None, "net_after": "1", "tax": "1.90"}, "tax"),
    ],
)
def test_a_tax_that_is_no_part_of_the_amount_is_named(fields: dict[str, Any], named: str) -> None:
    with pytest.raises(Problem) as raised:
        AdjustmentIn(**REFUND | fields).claim()
    assert [error.field for error in raised.value.errors] == [named]


def test_ids_are_trimmed() -> None:
    spaced = ConversionIn(**ORDER | {"order_id": " 5001 "}).claim()
    assert spaced.natural_id == "5001"
    refund = AdjustmentIn(**REFUND | {"order_id": "5001 ", "adjustment_id": "\tr1"}).claim()
    assert (refund.natural_id, refund.adjustment_id) == ("5001", "r1")
