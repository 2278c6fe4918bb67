"""The stored form of each text of a claim or a visit: clear, or the keyed hash of it.

Promise: every text of a claim or a visit that an event holds went through one of these functions,
and each of them through `shared.private_texts.stored_text`. A public key's text stays clear only if
it is a word of the catalog or of a vocabulary, or an id of the form that machines make. A text of a
trusted source stays clear unless it has an `@` in any spelling. Ids of browsers and customers must
have the form of an id from every source, because a page and a shop name one browser.
"""

from collections.abc import Iterable
from functools import partial

from services.tracking.domain.claims import Caller, Lookups
from shared.code_texts import code_text
from shared.events import CODES_MAX, TEXT_LENGTH_MAX
from shared.private_texts import (
    ACTION_WORDS,
    PLACE_WORDS,
    TextHash,
    has_id_form,
    is_made_of,
    plain_spelling,
    stored_text,
)


def stored_reference(text: str, caller: Caller, lookups: Lookups) -> str:
    """Return the id of an order, a conversion, an adjustment or a product."""
    return _stored(text, caller, lookups, may_stay=not caller.is_public or has_id_form(text))


def stored_action(text: str, caller: Caller, lookups: Lookups) -> str:
    """Return what a person did."""
    is_word = is_made_of(text, ACTION_WORDS)
    return _stored(text, caller, lookups, may_stay=is_word or not caller.is_public)


def stored_place(sub_source: str, text_hash: TextHash) -> str:
    """Return the sub-source of a visit. A visitor can write any text into the address."""
    may_stay = is_made_of(sub_source, PLACE_WORDS) or has_id_form(sub_source)
    return stored_text(sub_source, text_hash, may_stay=may_stay)


def stored_platform(text: str, caller: Caller, lookups: Lookups) -> str:
    """Return the platform that a person named."""
    is_word = is_made_of(text, PLACE_WORDS)
    return _stored(text, caller, lookups, may_stay=is_word or not caller.is_public)


def stored_page(address: str, plain: str | None, caller: Caller, lookups: Lookups) -> str:
    """Return the address of a page, without its query and fragment.

    `plain` is the same part of the plain spelling: an escaped `@` can look like a fragment.
    """
    may_stay = not caller.is_public and plain is not None and "@" not in plain
    return _stored(address, caller, lookups, may_stay=may_stay)


def stored_code(code: str, caller: Caller, lookups: Lookups) -> str:
    """Return a discount or referral code in its normal form; one of the catalog stays clear."""
    normal = code_text(code)
    if lookups.is_code(caller.workspace_id, normal):
        return normal.text
    # The normal form is in capital letters, in which an escape is no escape any more.
    plain = plain_spelling(code)
    if plain is None or "@" in plain:
        return _stored(code_text(plain or code).text, caller, lookups, may_stay=False)
    return _stored(normal.text, caller, lookups, may_stay=not caller.is_public)


def stored_codes(codes: Iterable[str], caller: Caller, lookups: Lookups) -> tuple[str, ...]:
    """Return the discount codes, each once, without values that cannot be codes."""
    possible = [code for code in codes if 0 < len(code_text(code).text) <= TEXT_LENGTH_MAX]
    stored = [stored_code(code, caller, lookups) for code in possible]
    return tuple(dict.fromkeys(stored))[:CODES_MAX]


def stored_key(value: str | None, caller: Caller, lookups: Lookups) -> str | None:
    """Return the id of a browser or a customer.

    An e-mail address in its place has the form that earlier releases gave it.
    """
    if value is None:
        return None
    if has_id_form(value):
        return value
    plain = plain_spelling(value)
    if plain is not None and "@" in plain:
        return "email:" + lookups.email_hash(caller.workspace_id, plain)
    return _stored(value, caller, lookups, may_stay=False)


def _stored(text: str, caller: Caller, lookups: Lookups, *, may_stay: bool) -> str:
    return stored_text(text, partial(lookups.text_hash, caller.workspace_id), may_stay=may_stay)
