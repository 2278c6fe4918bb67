"""Which conversions a text means: an order id, a customer id, a code, a creator's id or name.

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
    content = await _content_of_creators(conn, text)
    subjects = {_SUBJECT_OF[kind](of) for kind, of in (*content, ("code", text))}
    found = await order_rows.meant(conn, own_keys, person_keys, subjects, asked, MEANT_MAX + 1)
    if len(found) > MEANT_MAX:
        raise TooManyMeant(f"means more than {MEANT_MAX} orders: ask for fewer days")
    return found


async def _content_of_creators(conn: Any, text: str) -> list[tuple[str, str]]:
    """Return what belongs to the creators with this id or name; raises `TooManyMeant`.

    Objects are counted before they are read.
    """
    if await order_rows.objects(conn, ("creator",), CATALOG_MAX + 1) > CATALOG_MAX:
        raise TooManyMeant(
            f"may be the name of a creator, of whom there are more than {CATALOG_MAX}: ask for days"
        )
    creators = await order_rows.creators_named(conn, text)
    with suppress(ValueError):
        creators.append(str(UUID(text)))
    if not creators:
        return []
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
