"""CSV: what is written is read again, and no text is a formula."""

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.api.csv_text import Cell, Money, csv_bytes, csv_line

TEXTS = st.text(st.characters(codec="utf-8"), min_size=1)


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (None, ""),
        ("", ""),
        ("Mia", "Mia"),
        ('a "b", c', '"a ""b"", c"'),
        ("two\r\nlines", '"two\r\nlines"'),
        ("=1+1", "'=1+1"),
        ("+49 30", "'+49 30"),
        ("-5", "'-5"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\n=1", '"\'\n=1"'),
        ("＝1", "'＝1"),
        (-5, "-5"),
        (True, "true"),
        (0.000001, "0.000001"),
        (-1.5, "-1.5"),
        (Decimal("1.500000"), "1.500000"),
        (Money(-4_990, "EUR"), "-49.90"),
        (Money(4_990, "JPY"), "4990"),
        (Money(5, "KWD"), "0.005"),
        (["=1", "b"], "'=1; b"),
        ([], ""),
        (date(2026, 3, 1), "2026-03-01"),
        (datetime(2026, 3, 1, 12, tzinfo=UTC), "2026-03-01T12:00:00Z"),
    ],
)
def test_each_kind_of_cell(cell: Cell, text: str) -> None:
    assert csv_line([cell]) == f"{text}\r\n"


@given(st.lists(TEXTS, min_size=2, max_size=5))
def test_what_is_written_is_read_again(cells: list[str]) -> None:
    (found,) = csv.reader(io.StringIO(csv_bytes([cells]).decode(), newline=""), strict=True)
    assert [text.removeprefix("'") for text in found] == [text.removeprefix("'") for text in cells]


@given(TEXTS)
def test_no_text_begins_as_a_formula_does(text: str) -> None:
    (found,) = csv.reader(io.StringIO(csv_bytes([[text, 1]]).decode(), newline=""), strict=True)
    assert found[0][0] not in "=+-@\t\r\n＝＋－＠"
