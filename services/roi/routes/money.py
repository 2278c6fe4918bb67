"""Money of a body, once its currency is known: to minor units, and back into the body that a correction is laid over.

Promise: a correction of the amount alone keeps the currency; one that brings its own currency takes it.
"""

from typing import Any

from shared.api.shapes import MoneyIn
from shared.money import format_minor


def money_facts(
    money: MoneyIn | None, field: str, currency: str | None
) -> dict[str, int | str] | None:
    """Minor units and currency as they are stored and answered; 422 names the field."""
    if money is None:
        return None
    amount_minor, found = money.minor(field, currency)
    return {"amount_minor": amount_minor, "currency": found}


def money_restated(facts: dict[str, Any] | None, field: str) -> dict[str, Any]:
    """The body's own way to say a stored amount."""
    if facts is None:
        return {field: None, "currency": None}
    return {
        field: format_minor(facts["amount_minor"], facts["currency"]),
        "currency": facts["currency"],
    }


def money_merged(current: dict[str, Any], named: dict[str, Any], field: str) -> dict[str, Any]:
    """The body after a correction, where the amount may have brought its currency along."""
    money = named.get(field)
    if isinstance(money, MoneyIn) and money.currency is not None:
        current = current | {"currency": None}
    return current | named
