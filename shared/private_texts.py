"""Texts that may name a person, and the opaque form in which they are stored.

Promise: `stored_text` is the one decision about a text from outside: it stays clear, or only its
keyed hash is stored. A text with an `@` in any spelling never stays clear. Equal texts have equal
hashes in a workspace, whatever the spelling, so an id of a page matches the same id of a webhook.
What can go wrong: nothing raises. A text whose spelling cannot be decoded is hashed.
"""

import html
import re
import unicodedata
from collections.abc import Callable
from typing import Final
from urllib.parse import unquote

# Made from the plain spelling of a text, in one workspace.
TextHash = Callable[[str], str]

OPAQUE_PREFIX: Final = "text:"

# Spellings inside spellings are decoded this often. No shop has deeper ones in an id.
_ROUNDS_MAX: Final = 6
# An escape of JavaScript or of a mail: \u0040, \x40.
_ESCAPE: Final = re.compile(r"\\(?:[uU](?:0000)?|[xX])([0-9A-Fa-f]{4}|[0-9A-Fa-f]{2})")
_SPELLED: Final = re.compile(r"[%&\\]")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# The words in ids that shops number. Other words may be a name.
ID_WORDS: Final = _words(
    "account api app beacon browser buyer call cart chargeback checkout click client cookie"
    " customer delivery demo device draft edit email event form guest invoice item lead member mine"
    " order page payment product purchase quote receipt refund renewal return sale session"
    " shop sign signup sku store subscription test ticket transaction user variant"
    " visit visitor webhook"
)
# What a page may say that a person did. Other words are stored as a hash.
ACTION_WORDS: Final = _words(
    "add added address bag begin browse button cart category change checkout click collection"
    " compare complete coupon demo details dismiss download engage engagement filter form gallery"
    " help hover image info item like list load menu message navigate newsletter open option page"
    " payment pause play poll popup preview price product purchase quantity quiz rate read remove"
    " review save scroll search select shipping share show sign signup size sort start stop store"
    " submit subscribe support survey swipe tab tap to unsubscribe update variant video view"
    " viewed visit watch wishlist in out of up the a"
)
# What a link of a creator may say about the place where it stands.
PLACE_WORDS: Final = _words(
    "ad ads article banner bio blog bottom button caption card channel comment community content"
    " cover description desc discord email end episode facebook feed first footer group guide"
    " header highlight home image instagram intro last link links linktree list live mail main menu"
    " middle mid newsletter note outro page part photo pin pinned pinterest place playlist podcast"
    " position post poster profile qr reddit reel reels second short shorts show sidebar slide"
    " snapchat sticker stories story stream swipe tag telegram text third threads tiktok title top"
    " twitch twitter video videos vlog web website whatsapp youtube yt"
)

_ID_CHARACTERS: Final = re.compile(r"[A-Za-z0-9#._:/-]+", re.ASCII)
_LETTERS: Final = re.compile(r"[A-Za-z]+", re.ASCII)
_TOKEN: Final = re.compile(r"[A-Za-z0-9]+", re.ASCII)
_DIGITS: Final = re.compile(r"[0-9]+", re.ASCII)
_HEXADECIMAL: Final = re.compile(r"[0-9A-Fa-f]+", re.ASCII)
_WORD_CHARACTERS: Final = re.compile(r"[A-Za-z0-9 ._-]+", re.ASCII)
# More digits than of a year may be a telephone number.
_MANY_DIGITS: Final = re.compile(r"[0-9]{5}", re.ASCII)
# The ids that the redirect makes for browsers: 16 random bytes in base64.
_MINTED: Final = re.compile(r"[A-Za-z0-9_-]{21}[AQgw]", re.ASCII)
# Shorter runs of letters are marks of a shop such as `WC` or `INV`; a name needs more.
_MARK_LETTERS_MAX: Final = 3
# A random id changes between letters and digits more often than a name with a number.
_RANDOM_RUNS_MIN: Final = 3


def stored_text(text: str, text_hash: TextHash, *, may_stay: bool) -> str:
    """Return a text as it is stored: clear, or `text:` and a keyed hash of its plain spelling.

    `may_stay` says whether the sender is trusted with clear text, or the text is a known word. An
    `@` in any spelling decides otherwise.
    """
    plain = plain_spelling(text)
    if may_stay and plain is not None and "@" not in plain:
        return text
    return OPAQUE_PREFIX + text_hash(text if plain is None else plain)


def stored_forms(text: str, text_hash: TextHash) -> tuple[str, str]:
    """Return both forms in which an id may be stored, for a look-up by the id as people know it."""
    return text, stored_text(text, text_hash, may_stay=False)


def plain_spelling(text: str) -> str | None:
    """Return a text without escapes, full-width letters and invisible characters.

    None when it is spelled more than `_ROUNDS_MAX` times over.
    """
    if text.isascii() and _SPELLED.search(text) is None:
        return text
    for _ in range(_ROUNDS_MAX):
        before = text
        if not text.isascii():
            text = unicodedata.normalize("NFKC", text)
            text = "".join(c for c in text if unicodedata.category(c) != "Cf")
        text = _ESCAPE.sub(_unescaped, unquote(html.unescape(text)))
        if text == before:
            return text
    return None


def _unescaped(found: re.Match[str]) -> str:
    letter = chr(int(found[1], 16))
    # Half of a surrogate pair is no text.
    return "" if "\ud800" <= letter <= "\udfff" else letter


def has_id_form(text: str) -> bool:
    """Return whether a text has the form of an id that a machine made, so that it names nobody.

    It is a browser's id of the redirect, or it has a digit, no blank, and no run of letters that
    could be a name: only marks of up to three letters, hexadecimal digits, words of shops
    (`ID_WORDS`), and random letters between several runs of digits.
    """
    if _MINTED.fullmatch(text):
        return True
    if not _ID_CHARACTERS.fullmatch(text) or not _DIGITS.search(text):
        return False
    return all(_is_mark(run) for run in _LETTERS.findall(text)) or all(
        _is_machine_made(token) for token in _TOKEN.findall(text)
    )


def _is_machine_made(token: str) -> bool:
    if len(_DIGITS.findall(token)) >= _RANDOM_RUNS_MIN or _HEXADECIMAL.fullmatch(token):
        return True
    return all(_is_mark(run) for run in _LETTERS.findall(token))


def _is_mark(letters: str) -> bool:
    return len(letters) <= _MARK_LETTERS_MAX or letters.lower() in ID_WORDS


def is_made_of(text: str, words: frozenset[str]) -> bool:
    """Return whether a text has only these words, short numbers, blanks and `.`, `_`, `-`."""
    if not _WORD_CHARACTERS.fullmatch(text) or _MANY_DIGITS.search(text):
        return False
    return all(run.lower() in words for run in _LETTERS.findall(text))
