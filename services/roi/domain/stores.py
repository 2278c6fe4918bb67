"""Stores: the first one of a workspace, and the store that a new connection works for.

Promise: the first connection works for the store `main`. A connection to a shop that was connected
before works for the store of that shop. Each other shop gets a store of its own, so two shops never
share an order by accident.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shared.ids import MAIN_STORE


@dataclass(frozen=True, slots=True)
class ConnectedShop:
    """A connection that exists or existed; `store_id` None is the first store."""

    kind: str
    shop_domain: str | None
    store_id: str | None
    is_archived: bool


def first_store_facts() -> dict[str, Any]:
    """Return the facts of the store that a workspace is made with."""
    return {"name": MAIN_STORE, "is_main": True}


def known_shop(
    kind: str, shop_domain: str | None, connected: Sequence[ConnectedShop]
) -> ConnectedShop | None:
    """Return the newest connection to the same shop, of connections sorted newest first.

    A shop is known by its domain. Without a domain, a new connection replaces an archived one of
    the same kind.
    """
    for shop in connected:
        is_same = (shop.kind, shop.shop_domain) == (kind, shop_domain)
        if is_same and (shop_domain is not None or shop.is_archived):
            return shop
    return None


def name_of_shop(kind: str, shop_domain: str | None, connected: Sequence[ConnectedShop]) -> str:
    """Return the name of the store that a shop gets."""
    return shop_domain or f"{kind} {len(connected) + 1}"
