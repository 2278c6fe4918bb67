"""Which words may be a link's code, and how a code is made from random bytes.

Promise: a code that passes never hides a path of tracking's own, on any spelling of its case. A generated one carries 60 bits, so
nobody finds links by guessing. What can go wrong: `LinkCodeRefused` with a sentence for whoever asked.
"""

from typing import Final

from shared.catalog import LINK_CODE, RESERVED_WORDS

RANDOM_BYTES: Final = 8
# Crockford's alphabet: no I, L, O, U, so a code read aloud or printed is typed back right; five bits a character.
_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
# Twelve characters of five bits are 60, above the 48 that are promised.
_GENERATED_LENGTH: Final = 12


class LinkCodeRefused(ValueError):
    """The word cannot be a link's code; the message says why."""


def check_link_code(code: str) -> str:
    """The code itself, or `LinkCodeRefused`."""
    if code.lower() in RESERVED_WORDS:
        raise LinkCodeRefused("this word is reserved")
    if not LINK_CODE.fullmatch(code):
        raise LinkCodeRefused("use 1 to 64 letters, digits, - or _")
    return code


def folded(code: str) -> str:
    """The form in which codes are compared: tracking matches without case."""
    return code.lower()


def generated_link_code(randomness: bytes) -> str:
    """A code from `RANDOM_BYTES` random bytes."""
    number = int.from_bytes(randomness, "big")
    return "".join(_ALPHABET[(number >> (5 * place)) & 31] for place in range(_GENERATED_LENGTH))
