"""The click ids in an order of Shopify, in the order in which they are tried.

Promise: the attributes of the cart come first, then the landing address, then its referral part. A
place with a word such as `undefined` hides no click id in another place: the first genuine one
counts.
"""

from services.tracking.adapters.payload import Payload, objects_of, text_of
from services.tracking.domain.click_ids import CLICK_PARAMETER, click_ids_in, has_click_id_form

ADDRESS_LENGTH_MAX = 8_192


def click_ids(payload: Payload) -> tuple[str, ...]:
    """Return all values that may be a click id, each once."""
    found: list[str] = []
    for attribute in objects_of(payload, "note_attributes"):
        value = text_of(attribute.get("value"), length_max=ADDRESS_LENGTH_MAX)
        if value is not None:
            is_named = text_of(attribute.get("name")) == CLICK_PARAMETER
            found += click_ids_in(value) or ((value,) if is_named else ())
    for field in ("landing_site", "landing_site_ref"):
        address = text_of(payload.get(field), length_max=ADDRESS_LENGTH_MAX)
        found += click_ids_in(address)
        if address is not None and has_click_id_form(address):
            found.append(address)
    return tuple(dict.fromkeys(found))
