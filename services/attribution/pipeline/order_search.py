"""Which conversions a text means: an order id, a customer id, a code, a creator's id or name."""

from collections.abc import Callable, Iterable
from typing import Any

from services.attribution.domain.model import ConversionKey
from services.attribution.pipeline.deciding import code_subject
from services.attribution.store import order_rows
from services.attribution.store.order_rows import Asked
from services.attribution.wire.event_readings import own_key
from shared.code_texts import code_text
from shared.events import CONVERSIONS
from shared.ids import customer_key
from shared.private_texts import stored_forms


async def meant_by(
    conn: Any, text: str, stores: Iterable[str], asked: Asked, text_hash: Callable[[str], str]
) -> list[bytes]:
    """Return the own keys of the conversions that a text means; one too many at most.

    An order is found with and without `#`. A code and a creator mean the orders whose decision
    looked at them, whoever was credited.
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
    subjects = await order_rows.subjects_of_creators(conn, text)
    subjects.append(code_subject(code_text(text)))
    return await order_rows.meant(conn, own_keys, person_keys, subjects, asked)
