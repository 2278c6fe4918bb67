"""Tables, texts and series: a file holds what a page shows, buckets add up to the headline."""

import csv
import io
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.dashboard.tables.answers import Shown, answer_table, change_of
from services.dashboard.tables.series import buckets, grain_of, points_of
from services.dashboard.tables.table import Cell, Column, Row, Table
from services.dashboard.tables.texts import figure_cell, figure_text, interval_text, money_text


def eur(minor: int) -> dict[str, Any]:
    return {"amount_minor": minor, "currency": "EUR"}


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (eur(123450), "€1,234.50"),
        (eur(-5), "-€0.05"),
        ({"amount_minor": 1234567, "currency": "JPY"}, "¥1,234,567"),
        ({"amount_minor": 1234567, "currency": "BHD"}, "BHD\xa01,234.567"),
        ({"amount_minor": 100, "currency": "CHF"}, "CHF\xa01.00"),
    ],
)
def test_money_has_the_decimals_of_its_currency(amount: dict[str, Any], text: str) -> None:
    assert money_text(amount) == text


@pytest.mark.parametrize(
    ("metric", "value", "text"),
    [
        ("roi", 0.497123, "49.7 %"),
        ("roi", None, "–"),
        ("bcr", 1.5, "1.50"),
        ("clicks", 1234567, "1,234,567"),
        ("conversions", 2.5, "2.5"),
        ("net_revenue", [eur(100), {"amount_minor": 200, "currency": "USD"}], "€1.00 · $2.00"),
    ],
)
def test_a_figure_reads_as_people_write_it(metric: str, value: Any, text: str) -> None:
    assert figure_text(metric, value) == text


def test_an_interval_with_a_missing_end_is_none() -> None:
    assert interval_text("roi", [0.1, 0.9]) == "10.0 % to 90.0 %"
    assert interval_text("roi", None) is None


def test_a_file_holds_the_values_and_what_each_line_is() -> None:
    cells = (Cell("=cmd", "=cmd"), figure_cell("cost", eur(-123450)))
    total = (Cell("All", "All"), figure_cell("cost", None))
    table = Table(
        "t", "T", (Column("who", "Who"), Column("cost", "Cost", unit="EUR")), (Row(cells),),
        (Row(total, "total"),),
    )  # fmt: skip
    lines = list(csv.reader(io.StringIO(table.csv().decode())))
    assert lines == [
        ["line", "who", "cost (EUR)"],
        ["row", "'=cmd", "-1234.50"],
        ["total", "All", ""],
    ]


def test_a_row_of_another_width_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="2 cells in 1 columns"):
        Table("t", "T", (Column("a", "A"),), (Row((Cell("1"), Cell("2"))),))


def an_answer(amounts: list[int]) -> dict[str, Any]:
    rows = [
        {"group": {"creator": f"c{i}"}, "label": f"C{i}", "measures": {"cost": eur(amount)}}
        for i, amount in enumerate(amounts)
    ]
    return {
        "rows": rows,
        "program": {"cost": eur(sum(amounts))},
        "totals": {"cost": eur(sum(amounts))},
    }


@given(st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=40), st.integers(1, 10))
def test_rows_and_the_row_of_the_others_add_up_to_the_total(
    amounts: list[int], rows_max: int
) -> None:
    shown = Shown(
        ("cost",), str, lambda _: None, lambda *_: None,
        additive=frozenset({"cost"}), rows_max=rows_max,
    )  # fmt: skip
    table = answer_table("t", "T", "Creator", an_answer(amounts), shown)
    assert len(table.rows) <= rows_max + 1
    values = [row.cells[1].value for row in table.rows]
    assert sum(Decimal(str(value)) for value in values) == Decimal(sum(amounts)).scaleb(-2)


@given(st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.integers(0, 800))
def test_every_day_of_a_period_is_in_a_bucket(first: date, days: int) -> None:
    last = date.fromordinal(first.toordinal() + days)
    for grain in ("day", "week", "month"):
        found = buckets(grain, first, last)
        assert len(set(found)) == len(found)
    assert len(buckets("day", first, last)) == days + 1


def test_the_grain_keeps_a_line_readable() -> None:
    today = date(2026, 12, 1)
    assert grain_of(None, None, today) == "day"
    assert grain_of("2026-09-02", None, today) == "day"
    assert grain_of("2026-01-01", None, today) == "week"
    assert grain_of("2020-01-01", "2026-01-01", today) == "month"
    assert grain_of("all", None, today) == "month"


def test_a_day_without_a_row_is_zero_for_a_sum_and_missing_for_a_ratio() -> None:
    answer = {
        "meta": {"from": "2026-11-01", "to": "2026-11-03"},
        "program": {"cost": eur(5), "roi": 0.5},
        "rows": [
            {
                "group": {"part": "program", "day": "2026-11-02"},
                "measures": {"cost": eur(5), "roi": 0.5},
            },
            {"group": {"part": "organic", "day": "2026-11-01"}, "measures": {"cost": eur(9)}},
        ],
    }
    cost = points_of("cost", "day", answer, part="program", is_additive=True)
    assert [point.text for point in cost] == ["€0.00", "€0.05", "€0.00"]
    roi = points_of("roi", "day", answer, part="program", is_additive=False)
    assert [point.value for point in roi] == [None, Decimal("0.5"), None]


def test_a_change_is_a_share_of_a_sum_and_the_value_before_of_a_ratio() -> None:
    up = change_of("cost", eur(150), eur(100), is_additive=True)
    assert up is not None
    assert (up.text, up.direction) == ("50.0 % from €1.00", 1)
    down = change_of("roi", 0.1, 0.3, is_additive=False)
    assert down is not None
    assert (down.text, down.direction) == ("from 30.0 %", -1)
    new = change_of("cost", eur(1), eur(0), is_additive=True)
    assert new is not None
    assert new.text == "from €0.00"
    assert change_of("roi", None, 0.3, is_additive=False) is None
