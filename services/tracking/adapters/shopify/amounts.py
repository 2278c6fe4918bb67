"""The amounts of Shopify's payloads, in the currency of the shop.

A field such as `subtotal` may stand beside `subtotal_set`, which has the amount in the currency of
the shop and in that of the buyer. New versions of the vendor's API send the set alone.
What can go wrong: `Unusable` names a field that holds no amount.
"""

from services.tracking.adapters.payload import Payload, Unusable, minor_units, object_of


def has_amount(payload: Payload, field: str) -> bool:
    """Whether a field, or its set, holds a value."""
    return _shop_money(payload, field).get("amount") is not None or payload.get(field) is not None


def shop_amount(payload: Payload, field: str, currency: str, name: str | None = None) -> int:
    """Return the amount of a field in minor units. Raises `Unusable`, with `name` as the field."""
    value = _shop_money(payload, field).get("amount")
    if value is None:
        value = payload.get(field)
    if value is None:
        raise Unusable(name or field, "is missing")
    return minor_units(value, currency, name or field)


def amount_if_any(payload: Payload, field: str, currency: str, name: str | None = None) -> int:
    """Return the amount of a field in minor units; 0 when it has none. Raises `Unusable`."""
    return shop_amount(payload, field, currency, name) if has_amount(payload, field) else 0


def shop_currency(payload: Payload, field: str) -> str | None:
    """Return the currency of the shop that the set of a field names; None when it names none."""
    code = _shop_money(payload, field).get("currency_code")
    return code if isinstance(code, str) else None


def _shop_money(payload: Payload, field: str) -> Payload:
    return object_of(object_of(payload, f"{field}_set"), "shop_money")
