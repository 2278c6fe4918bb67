"""Balances of the ledger and of the answers in one shape, and their mismatches. Pure.

Promise: balances map (model, currency, account) to minor units. Nothing is rounded or left out:
an account that only the ledger or only the answer has is a mismatch unless its sum is zero.
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
    """One balance that differs, in minor units; `what` names the comparison."""

    model: str
    currency: str
    account: str
    ledger: int
    other: int
    what: str
    day: str = ""


def ledger_balances(items: Iterable[Mapping[str, Any]]) -> Balances:
    """Return the balances of the ledger, from the items of attribution."""
    balances: Balances = defaultdict(int)
    for item in items:
        if item["currency"] is not None:
            balances[item["model"], item["currency"], item["account"]] += item["credited_minor"]
    return dict(balances)


def answer_balances(answer: Mapping[str, Any]) -> Balances:
    """Return the balances in an answer of roi by placement and model, with organic."""
    balances: Balances = defaultdict(int)
    for row in answer["rows"]:
        account = row["group"]["placement"]
        # A cost without a placement has no account and no revenue. A model that is not additive
        # has no entries in the ledger.
        if account is not None and is_additive(row["group"]["model"]):
            _add(balances, row["group"]["model"], account, row["measures"])
    for part in _in_ledger(answer["organic"]):
        _add(balances, _model_of(part), ORGANIC, part.get("measures", part))
    return dict(balances)


def totals_balances(answer: Mapping[str, Any]) -> Balances:
    """Return the totals in an answer of roi, as the account "total" of each model."""
    balances: Balances = defaultdict(int)
    for part in _in_ledger(answer["totals"]):
        _add(balances, _model_of(part), "total", part.get("measures", part))
    return dict(balances)


def balances_by_day(items: Iterable[Mapping[str, Any]]) -> dict[str, Balances]:
    """Return the balances of the ledger for each day (ISO date)."""
    days: dict[str, list[Mapping[str, Any]]] = {}
    for item in items:
        days.setdefault(item["day"], []).append(item)
    return {day: ledger_balances(found) for day, found in days.items()}


def compare_balances(
    ledger: Balances, answer: Balances, what: str, day: str = ""
) -> list[Mismatch]:
    """Return every balance in which the two differ, sorted."""
    return sorted(
        Mismatch(*key, ledger=ledger.get(key, 0), other=answer.get(key, 0), what=what, day=day)
        for key in ledger.keys() | answer.keys()
        if ledger.get(key, 0) != answer.get(key, 0)
    )


def added(parts: Iterable[Balances]) -> Balances:
    """Return the sum of the balances of several spans of time."""
    total: Balances = defaultdict(int)
    for balances in parts:
        for key, minor in balances.items():
            total[key] += minor
    return dict(total)


def summed(balances: Balances) -> Balances:
    """Return the balances with all accounts of a model and currency added to "total"."""
    total: Balances = defaultdict(int)
    for (model, currency, _), minor in balances.items():
        total[model, currency, "total"] += minor
    return dict(total)


def unbalanced(items: Iterable[Mapping[str, Any]]) -> list[Mismatch]:
    """Return each model and currency whose credits are not orders minus adjustments."""
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
    """Return the parts of additive models, which are those in the ledger."""
    return (part for part in parts if is_additive(_model_of(part)))


def _model_of(part: Mapping[str, Any]) -> str:
    group = part.get("group")
    return str(group["model"] if group else part["model"])


def _add(balances: Balances, model: str, account: str, measures: Mapping[str, Any]) -> None:
    revenue = measures[NET_REVENUE.id]
    for money in revenue if isinstance(revenue, list) else [revenue]:
        if money is not None and money["amount_minor"] is not None:
            balances[model, money["currency"], account] += money["amount_minor"]
