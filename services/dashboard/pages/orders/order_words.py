"""Plain words of orders: how they stand, their kinds, and where their pages are. Pure."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from services.dashboard.view.view import View

ORDERS: Final = "/app/orders"
MAIN_STORE: Final = "main"
PURCHASE: Final = "purchase"
STATUSES: Final = {
    "credited": "credited",
    "organic": "organic: no creator",
    "awaiting_order": "its order was not received yet",
    "unconfirmed": "claimed by a page, not confirmed",
    "test": "a test, in no figure",
    "history": "from before Laurel",
}
KINDS: Final = {
    "purchase": "purchase",
    "renewal": "renewal",
    "lead": "lead",
    "sign_up": "sign-up",
    "download": "download",
}
TOUCHES: Final = {
    "click": "clicked a link",
    "code": "typed a code",
    "view": "viewed content",
    "referral": "was referred",
    "survey": "named in a survey",
    "social": "interacted on a platform",
}


def word(words: Mapping[str, str], term: str | None) -> str:
    """Return the words of a term; one of a newer release is shown with blanks."""
    return "–" if term is None else words.get(term, term.replace("_", " "))


def order_page(view: View, order_id: str, store: str, kind: str) -> str:
    """Return the address of the page of an order."""
    return view.carried(
        f"{ORDERS}/{quote(order_id, safe='')}",
        store=None if store == MAIN_STORE else store,
        kind=None if kind == PURCHASE else kind,
    )
