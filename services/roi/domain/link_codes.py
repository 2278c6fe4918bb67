"""The rules for link codes: which words are allowed, and a code made from random bytes.

Promise: an accepted code never equals a path that tracking serves itself, in upper or lower case.
A generated code carries 60 random bits, so links cannot be found by guessing.
What can go wrong: `LinkCodeRefused`; its message says why.
"""

from typing import Final

from shared.catalog import LINK_CODE, RESERVED_WORDS

RANDOM_BYTES: Final = 8
# Crockford's Base32: no I, L, O, U, so a printed code is typed correctly. Five bits a character.
_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
# 12 characters of 5 bits are 60 bits. The design promises at least 48.
_GENERATED_LENGTH: Final = 12


class LinkCodeRefused(ValueError):
    """The word is not allowed as a link code; the message says why."""


def check_link_code(code: str) -> str:
    """Return the code unchanged; raise `LinkCodeRefused` when it is not allowed."""
    if code.lower() in RESERVED_WORDS:
        raise LinkCodeRefused("this word is reserved")
    if not LINK_CODE.fullmatch(code):
        raise LinkCodeRefused("use 1 to 64 letters, digits, - or _")
    return code


def folded(code: str) -> str:
    """Return the form in which codes are compared: tracking ignores case."""
    return code.lower()


def generated_link_code(randomness: bytes) -> str:
    """Return the code made from `RANDOM_BYTES` random bytes."""
    number = int.from_bytes(randomness, "big")
    return "".join(_ALPHABET[(number >> (5 * place)) & 31] for place in range(_GENERATED_LENGTH))
