"""Click ids in the texts of pages and shops: addresses, queries, parts of them, escaped or not.

Promise: `click_ids_in` finds every click id after `lclid=`, whatever wrote the text: `&` may be
`&amp;`, `\\u0026` or `%26`, `=` may be `%3D`, and escapes may be escaped. It does not say which are
genuine; the rules take the first that is. The last one of a text comes first, because the redirect
adds its own at the end.
What can go wrong: nothing raises, and the work grows with the length of the text.
"""

import re
from typing import Final

CLICK_PARAMETER: Final = "lclid"
# A text with more names of the parameter is no address of a shop.
FOUND_MAX: Final = 20

_CLICK_ID: Final = re.compile(r"[A-Za-z0-9_-]{50}", re.ASCII)
# `%(?:25)*` is an escape, and an escape of it.
_NAMED: Final = re.compile(
    rf"(?:^|[?&;#]|\\u0026|%(?:25)*(?:26|3[BbFf]|23)){CLICK_PARAMETER}(?:=|%(?:25)*3[Dd])"
    r"([A-Za-z0-9_-]+)",
    re.ASCII,
)


def click_ids_in(text: str | None) -> tuple[str, ...]:
    """Return the values of the click parameter in an address or a part of one, newest first."""
    if not text or CLICK_PARAMETER not in text:
        return ()
    return tuple(reversed(_NAMED.findall(text)))[:FOUND_MAX]


def has_click_id_form(text: str) -> bool:
    """Return whether a text has the form of a click id."""
    return _CLICK_ID.fullmatch(text) is not None
