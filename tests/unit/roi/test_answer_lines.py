"""An answer as lines of CSV: the two ends of an interval, also in several currencies."""

import csv
import io
from typing import Any

import msgspec
import pytest

from services.roi.answers.exports.answer_lines import answer_csv


def money(amount_minor: int | None, currency: str) -> dict[str, Any]:
    return {"amount_minor": amount_minor, "currency": currency}


def lines_of(currencies: list[str], intervals: dict[str, Any]) -> list[dict[str, str]]:
    """The lines of an answer with one row that has these intervals."""
    row = {"group": {"creator": "1"}, "label": "Mia", "measures": {}, "intervals": intervals}
    meta = {"currencies": currencies, "warnings": [], "group_by": ["creator"]}
    body = msgspec.json.encode({"meta": meta, "rows": [row]})
    return list(csv.DictReader(io.StringIO(answer_csv(body).decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize("net", [None, [money(100, "EUR"), money(250, "EUR")]])
def test_an_interval_has_a_column_for_each_end(net: list[Any] | None) -> None:
    (line,) = lines_of(["EUR"], {"roi": [0.1, 0.9], "net_revenue": net})
    assert (line["intervals.roi.low"], line["intervals.roi.high"]) == ("0.1", "0.9")
    ends = (line["intervals.net_revenue.low"], line["intervals.net_revenue.high"])
    assert ends == (("", "") if net is None else ("1.00", "2.50"))


def test_each_currency_has_the_ends_of_its_own() -> None:
    ends = [[money(100, "EUR"), money(7, "JPY")], [money(250, "EUR"), money(9, "JPY")]]
    lines = {line["currency"]: line for line in lines_of(["EUR", "JPY"], {"net_revenue": ends})}
    for currency, low, high in (("EUR", "1.00", "2.50"), ("JPY", "7", "9")):
        line = lines[currency]
        assert line["intervals.net_revenue.low"] == low
        assert line["intervals.net_revenue.high"] == high
