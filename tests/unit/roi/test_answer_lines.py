"""An answer as lines of CSV: the ends of an interval, the sensitivity, in several currencies."""

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


def ratios(value: Any) -> dict[str, Any]:
    return {"booked": value, "with_modelled": None, "with_assumed": None}


def sensitivity_lines(currencies: list[str], lower: Any, higher: Any) -> list[dict[str, str]]:
    """The lines of a funnel whose program moves with its margin."""
    moved = {"input": "margin", "lower": ratios(lower), "higher": ratios(higher)}
    program = {"stages": [], "bcr": ratios(1), "sensitivity": [moved]}
    meta = {"currencies": currencies, "warnings": [], "group_by": ["creator"]}
    body = msgspec.json.encode({"meta": meta, "rows": [], "program": program, "totals": {}})
    lines = csv.DictReader(io.StringIO(answer_csv(body).decode("utf-8-sig"), newline=""))
    return [line for line in lines if line["line"] == "sensitivity"]


def test_each_input_of_the_sensitivity_has_a_line() -> None:
    (line,) = sensitivity_lines(["EUR"], 0.9, 1.1)
    assert (line["label"], line["currency"]) == ("margin", "EUR")
    assert (line["lower.booked"], line["higher.booked"]) == ("0.9", "1.1")
    assert (line["lower.with_assumed"], line["bcr.booked"]) == ("", "")


def test_the_sensitivity_of_several_currencies_has_a_line_for_each() -> None:
    lower, higher = (
        [{"value": value, "currency": currency} for value, currency in values]
        for values in (((0.9, "EUR"), (None, "JPY")), ((1.1, "EUR"), (None, "JPY")))
    )
    lines = sensitivity_lines(["EUR", "JPY"], lower, higher)
    found = [(line["currency"], line["lower.booked"], line["higher.booked"]) for line in lines]
    assert ("EUR", "0.9", "1.1") in found
    assert ("JPY", "", "") in found
