"""What is compared, and what counts as a mismatch. Pure.

Promise: both sides are brought to one shape, (model, currency, account) to minor units; a mismatch is a row that a person can look up. Nothing
is rounded and nothing is left out: an account that only one side knows is a mismatch unless its sum is zero.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from services.roi.answers.metrics.net_revenue import NET_REVENUE
from shared.models import is_additive

ORGANIC: Final = "organic"

Balances = dict[tuple[str, str, str], int]


@dataclass(frozen=True, slots=True, order=True)
class Mismatch:
    """One line that does not agree; `ledger` and `other` are minor units."""

    model: str
    currency: str
    account: str
    ledger: int
    other: int
    what: str
    day: str = ""


def ledger_balances(items: Iterable[Mapping[str, Any]]) -> Balances:
    """Attribution's balance by model, currency and account."""
    books: Balances = defaultdict(int)
    for item in items:
        if item["currency"] is not None:
            books[item["model"], item["currency"], item["account"]] += item["credited_minor"]
    return dict(books)


def answer_balances(answer: Mapping[str, Any]) -> Balances:
    """roi's answer by model and placement, with its organic part."""
    books: Balances = defaultdict(int)
    for row in answer["rows"]:
        account = row["group"]["placement"]
        # A cost that no placement can carry has no account and no revenue. Memos are beside the
        # ledger.
        if account is not None and is_additive(row["group"]["model"]):
            _add(books, row["group"]["model"], account, row["measures"])
    for part in _in_ledger(answer["organic"]):
        _add(books, _model_of(part), ORGANIC, part.get("measures", part))
    return dict(books)


def totals_balances(answer: Mapping[str, Any]) -> Balances:
    """roi's totals, as one account a model."""
    books: Balances = defaultdict(int)
    for part in _in_ledger(answer["totals"]):
        _add(books, _model_of(part), "total", part.get("measures", part))
    return dict(books)


def balances_by_day(items: Iterable[Mapping[str, Any]]) -> dict[str, Balances]:
    """Attribution's balance by model, currency, account and day: the books of each day."""
    days: dict[str, list[Mapping[str, Any]]] = {}
    for item in items:
        days.setdefault(item["day"], []).append(item)
    return {day: ledger_balances(found) for day, found in days.items()}


def compare_balances(
    ledger: Balances, answer: Balances, what: str, day: str = ""
) -> list[Mismatch]:
    """Every line on which the two disagree."""
    return sorted(
        Mismatch(*key, ledger=ledger.get(key, 0), other=answer.get(key, 0), what=what, day=day)
        for key in ledger.keys() | answer.keys()
        if ledger.get(key, 0) != answer.get(key, 0)
    )


def added(parts: Iterable[Balances]) -> Balances:
    """The books of several spans of time as one."""
    total: Balances = defaultdict(int)
    for books in parts:
        for key, minor in books.items():
            total[key] += minor
    return dict(total)


def summed(books: Balances) -> Balances:
    """The books with all accounts of a model and currency added up."""
    total: Balances = defaultdict(int)
    for (model, currency, _), minor in books.items():
        total[model, currency, "total"] += minor
    return dict(total)


def unbalanced(items: Iterable[Mapping[str, Any]]) -> list[Mismatch]:
    """Models and currencies of which the credits do not sum to orders minus adjustments."""
    return [
        Mismatch(
            item["model"],
            item["currency"] or "",
            "all",
            ledger=item["credited_minor"],
            other=item["net_minor"],
            what="credits against orders − adjustments",
        )
        for item in items
        if item["difference_minor"] != 0
    ]


def _in_ledger(parts: Iterable[Mapping[str, Any]]) -> Iterable[Mapping[str, Any]]:
    """The parts of models that the ledger holds."""
    return (part for part in parts if is_additive(_model_of(part)))


def _model_of(part: Mapping[str, Any]) -> str:
    group = part.get("group")
    return str(group["model"] if group else part["model"])


def _add(books: Balances, model: str, account: str, measures: Mapping[str, Any]) -> None:
    revenue = measures[NET_REVENUE.id]
    for money in revenue if isinstance(revenue, list) else [revenue]:
        if money is not None and money["amount_minor"] is not None:
            books[model, money["currency"], account] += money["amount_minor"]
