"""The mismatches between the ledger and the answers."""

from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from services.cli.verify.ledger_comparison import (
    added,
    answer_balances,
    compare_balances,
    ledger_balances,
    summed,
    totals_balances,
    unbalanced,
)
from services.cli.verify.verify_command import spans


def money(minor: int, currency: str = "EUR") -> dict[str, Any]:
    return {"amount_minor": minor, "currency": currency}


ITEMS: list[dict[str, Any]] = [
    {"model": "last", "currency": "EUR", "account": "p-1", "credited_minor": 4990},
    {"model": "last", "currency": "EUR", "account": "organic", "credited_minor": 10},
    {"model": "last", "currency": "USD", "account": "p-1", "credited_minor": 7},
    {"model": "last", "currency": None, "account": "p-1", "credited_minor": 0},
]


def an_answer(minor: int = 4990) -> dict[str, Any]:
    return {
        "rows": [
            {
                "group": {"placement": "p-1", "model": "last"},
                "measures": {"net_revenue": [money(minor), money(7, "USD")]},
            },
            {
                "group": {"placement": None, "model": "last"},
                "measures": {"net_revenue": [money(0)]},
            },
        ],
        "organic": [{"model": "last", "net_revenue": [money(10), money(0, "USD")]}],
        "totals": [{"model": "last", "net_revenue": [money(5000), money(7, "USD")]}],
    }


def test_equal_balances_have_no_mismatch() -> None:
    ledger, answer = ledger_balances(ITEMS), an_answer()
    assert ledger["last", "EUR", "p-1"] == 4990
    assert compare_balances(ledger, answer_balances(answer), "x") == []
    assert compare_balances(summed(ledger), totals_balances(answer), "x") == []


def test_one_cent_is_a_mismatch_that_names_its_line() -> None:
    (found,) = compare_balances(
        ledger_balances(ITEMS), answer_balances(an_answer(4991)), "ledger against answer"
    )
    assert (found.model, found.currency, found.account) == ("last", "EUR", "p-1")
    assert (found.ledger, found.other) == (4990, 4991)


def test_a_missing_account_is_a_mismatch_unless_it_is_zero() -> None:
    assert compare_balances({("last", "EUR", "p-9"): 1}, {}, "x")[0].other == 0
    assert compare_balances({("last", "EUR", "p-9"): 0}, {}, "x") == []


def test_a_difference_in_the_balance_is_a_mismatch() -> None:
    item = {
        "model": "first",
        "currency": "EUR",
        "credited_minor": 5,
        "net_minor": 4,
        "difference_minor": 1,
    }
    assert [row.ledger - row.other for row in unbalanced([item])] == [1]
    assert unbalanced([item | {"net_minor": 5, "difference_minor": 0}]) == []


def test_the_spans_cover_all_of_time_without_a_gap_or_an_overlap() -> None:
    found = spans(date(2026, 3, 1))
    assert found[0][1] > date(2026, 3, 1)
    assert found[-1][0] == date(1970, 1, 1)
    assert all(later[0] - earlier[1] == timedelta(days=1) for later, earlier in pairwise(found))


def test_balances_of_several_spans_add_up() -> None:
    key = ("last", "EUR", "p-1")
    assert added([{key: 1}, {key: 2}, {}]) == {key: 3}
