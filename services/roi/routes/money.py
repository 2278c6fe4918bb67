"""Money fields of a body: to stored minor units and currency, and back for a correction.

Promise: a correction that names an amount without a currency keeps the stored currency.
"""

from typing import Any

from shared.api.shapes import MoneyIn
from shared.money import format_minor


def money_facts(
    money: MoneyIn | None, field: str, currency: str | None
) -> dict[str, int | str] | None:
    """Return minor units and currency as stored and answered; 422 names the field."""
    if money is None:
        return None
    amount_minor, found = money.minor(field, currency)
    return {"amount_minor": amount_minor, "currency": found}


def money_restated(facts: dict[str, Any] | None, field: str) -> dict[str, Any]:
    """Return the body fields that would give a stored amount."""
    if facts is None:
        return {field: None, "currency": None}
    return {
        field: format_minor(facts["amount_minor"], facts["currency"]),
        "currency": facts["currency"],
    }


def money_merged(current: dict[str, Any], named: dict[str, Any], field: str) -> dict[str, Any]:
    """Return the body after a correction; an amount with its own currency replaces the old one."""
    money = named.get(field)
    if isinstance(money, MoneyIn) and money.currency is not None:
        current = current | {"currency": None}
    return current | named
