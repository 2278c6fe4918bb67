"""The row of a past order: the event that is sent for it, its time, and what is wrong with it."""

import json
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from services.cli.imports.event_sender import BATCH_BYTES_MAX, batches
from services.cli.imports.past_orders import PastOrder, column_of, past_order
from services.roi.domain.imports.csv_table import BadRow, Row
from services.tracking.wire.event_batch import EVENTS_MAX, read_item

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
VALUES = {
    "order_id": "1001",
    "occurred_at": "2024-07-01T12:00:00Z",
    "net": "49.90",
    "currency": "EUR",
    "customer_id": "42",
}


def found(**values: str) -> PastOrder | BadRow:
    sent = {name: value for name, value in (VALUES | values).items() if value}
    return past_order(Row(7, sent), BERLIN, NOW)


def test_a_row_is_an_event_that_says_it_is_history() -> None:
    order = found(email="ann@shop.example", store="Outlet")
    assert isinstance(order, PastOrder)
    assert order.event == {
        "type": "ordered",
        "history": True,
        "order_id": "1001",
        "occurred_at": "2024-07-01T12:00:00+00:00",
        "net": "49.90",
        "currency": "EUR",
        "store": "Outlet",
        "person": {"customer_id": "42", "email": "ann@shop.example"},
    }


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2024-07-01T12:00:00+02:00", "10:00"),
        ("2024-07-01 12:00:00 +0200", "10:00"),
        ("2024-07-01 12:00:00 UTC", "12:00"),
        ("2024-07-01T12:00:00.250Z", "12:00"),
        ("2024-07-01 12:00:00", "10:00"),
        ("2024-07-01 12:00", "10:00"),
        ("2024-01-01 12:00", "11:00"),
    ],
)
def test_a_time_without_offset_is_that_of_the_workspace(text: str, utc: str) -> None:
    order = found(occurred_at=text)
    assert isinstance(order, PastOrder)
    assert f"{order.at.astimezone(UTC):%H:%M}" == utc


def test_a_date_is_the_beginning_of_its_day() -> None:
    order = found(occurred_at="2024-07-01")
    assert isinstance(order, PastOrder)
    assert order.at == datetime(2024, 6, 30, 22, tzinfo=UTC)
    assert f"{order.at:%Y-%m-%d}" == "2024-07-01"


@pytest.mark.parametrize(
    ("values", "column"),
    [
        ({"order_id": ""}, "order_id"),
        ({"order_id": "x" * 129}, "order_id"),
        ({"occurred_at": ""}, "occurred_at"),
        ({"occurred_at": "01.07.2024"}, "occurred_at"),
        ({"occurred_at": "0001-01-01"}, "occurred_at"),
        ({"occurred_at": "1969-12-31"}, "occurred_at"),
        ({"occurred_at": "2026-03-01T12:00:01Z"}, "occurred_at"),
        ({"net": ""}, "net"),
        ({"net": "49,90"}, "net"),
        ({"net": "-1"}, "net"),
        ({"currency": ""}, "currency"),
        ({"currency": "EURO"}, "currency"),
        ({"customer_id": ""}, "customer_id or email"),
        ({"customer_id": "0"}, "customer_id or email"),
        ({"email": "nobody"}, "email"),
    ],
)
def test_what_is_wrong_with_a_row_is_named_by_line_and_column(
    values: dict[str, str], column: str
) -> None:
    bad = found(**values)
    assert isinstance(bad, BadRow)
    assert (bad.line, [name for name, _ in bad.flaws]) == (7, [column])
    assert all(message for _, message in bad.flaws)


@pytest.mark.parametrize(
    ("field", "column"),
    [("store", "store"), ("person", "customer_id or email"), ("person.email", "email")],
)
def test_what_tracking_refuses_is_named_by_its_column(field: str, column: str) -> None:
    assert column_of(field) == column


def test_a_batch_is_what_a_body_may_hold() -> None:
    order = found()
    assert isinstance(order, PastOrder)
    event = order.event
    sizes = [len(batch) for batch in batches((event, n) for n in range(EVENTS_MAX * 2 + 1))]
    assert sizes == [EVENTS_MAX, EVENTS_MAX, 1]
    large = {**event, "order_id": "x" * (BATCH_BYTES_MAX // 3)}
    assert [[n for _, n in batch] for batch in batches((large, n) for n in range(3))] == [
        [0, 1],
        [2],
    ]
    assert list(batches([])) == []


def test_the_event_is_one_that_tracking_reads() -> None:
    order = found()
    assert isinstance(order, PastOrder)
    name, claim = read_item(json.dumps(order.event).encode())
    assert name == "ordered"
    assert getattr(claim, "history", False) is True
