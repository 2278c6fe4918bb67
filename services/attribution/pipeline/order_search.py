"""Which conversions a text means: an order id, a customer id, a code, a creator's id or name.

Promise: the text means what is found, whatever it looks like: an order id may look like the id of a
creator. Where there are too many creators to compare their names, it means orders, customers, codes
and the id of a creator only.
What can go wrong: `TooManyMeant`; the list is never cut silently.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, Final
from uuid import UUID

from services.attribution.domain.model import ConversionKey
from services.attribution.pipeline.deciding import code_subject, link_subject, placement_subject
from services.attribution.store import order_rows
from services.attribution.store.order_rows import (
    CATALOG_MAX,
    CREATOR_CONTENT_MAX,
    MEANT_MAX,
    Asked,
)
from services.attribution.wire.event_readings import own_key
from shared.code_texts import code_text
from shared.events import CONVERSIONS
from shared.ids import customer_key
from shared.private_texts import stored_forms

_SUBJECT_OF: Final[dict[str, Callable[[str], str]]] = {
    "placement": placement_subject,
    "link": link_subject,
    "code": lambda code: code_subject(code_text(code)),
}


class TooManyMeant(Exception):
    """A text means more than can be looked up; the message says what to do."""


async def meant_by(
    conn: Any, text: str, stores: Iterable[str], asked: Asked, text_hash: Callable[[str], str]
) -> list[bytes]:
    """Return the own keys of the conversions that a text means, at most `MEANT_MAX`.

    An order is found with and without `#`. A code and a creator mean the orders whose decision
    looked at them, also where another creator was credited. Raises `TooManyMeant`.
    """
    plain = text.removeprefix("#")
    forms = {form for one in (text, plain, f"#{plain}") for form in stored_forms(one, text_hash)}
    own_keys: list[bytes] = []
    person_keys: set[bytes] = set()
    for store in stores:
        for form in forms:
            own_keys += (own_key(ConversionKey(kind, form, store)) for kind in CONVERSIONS)
            key = customer_key(form, store)
            person_keys |= {key} if key is not None else set()

    async def orders_of(*subjects: tuple[str, str]) -> list[bytes]:
        used = {_SUBJECT_OF[kind](of) for kind, of in (("code", text), *subjects)}
        found = await order_rows.meant(conn, own_keys, person_keys, used, asked, MEANT_MAX + 1)
        if len(found) > MEANT_MAX:
            raise TooManyMeant(f"means more than {MEANT_MAX} orders: ask for fewer days")
        return found

    creators = await _creators_meant(conn, text)
    if creators:
        return await orders_of(*await _content_of(conn, creators))
    found = await orders_of()
    if creators is None and not found:
        raise TooManyMeant(
            f"is no order, customer or code of these days, and may be the name of a creator, of"
            f" whom there are more than {CATALOG_MAX}: ask for days"
        )
    return found


async def _creators_meant(conn: Any, text: str) -> list[str] | None:
    """Return the creators with this id or name; None where they are too many to compare the name.

    Creators are counted before their names are read. An id is looked up in any case.
    """
    found = []
    with suppress(ValueError):
        found.append(await order_rows.creator_with_id(conn, UUID(text)))
    creators = [creator for creator in found if creator is not None]
    if await order_rows.objects(conn, ("creator",), CATALOG_MAX + 1) > CATALOG_MAX:
        return creators or None
    return [*creators, *await order_rows.creators_named(conn, text)]


async def _content_of(conn: Any, creators: list[str]) -> list[tuple[str, str]]:
    """Return what belongs to these creators; raises `TooManyMeant`.

    Objects are counted before they are read.
    """
    if await order_rows.objects(conn, _SUBJECT_OF, CATALOG_MAX + 1) > CATALOG_MAX:
        raise TooManyMeant(
            f"means a creator among more than {CATALOG_MAX} placements, links and codes: ask for a"
            " code or an order"
        )
    content = await order_rows.content_of(conn, creators, CREATOR_CONTENT_MAX + 1)
    if len(content) > CREATOR_CONTENT_MAX:
        raise TooManyMeant(
            f"means creators with more than {CREATOR_CONTENT_MAX} placements, links and codes:"
            " ask for one creator by its id, or for a code"
        )
    return content
