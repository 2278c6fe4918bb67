"""The form of a creator: its fields, the body that the API gets, and the fields of one that exists.

Promise: the form has one account. Further accounts of a creator stay as they are.
"""

from collections.abc import Mapping
from typing import Any, Final

FIELDS: Final = ("name", "handle", "platform", "followers", "country", "topics")
OTHER_NAMES: Final = {
    "platform_accounts.0.platform": "platform",
    "platform_accounts.0.handle": "handle",
    "platform_accounts.0.followers": "followers",
    "platform_accounts": "platform",
}
Json = Mapping[str, Any]


def body_of_form(fields: Mapping[str, str], before: Json | None = None) -> Json:
    """Return the body of the call; `before` is the creator that is corrected."""
    text = {name: fields.get(name, "").strip() for name in FIELDS}
    topics = [one.strip() for one in text["topics"].split(",")]
    return {
        "name": text["name"],
        "handle": text["handle"] or None,
        "country": text["country"] or None,
        "topics": [one for one in topics if one],
        "platform_accounts": _accounts(text, before),
    }


def _accounts(text: Mapping[str, str], before: Json | None) -> list[Json]:
    first, *others = before["platform_accounts"] if before else (None,)
    if not text["platform"]:
        return others
    handle = text["handle"]
    # An account may have a handle of its own, which the form does not show.
    if first and before and first["handle"] != before["handle"]:
        handle = first["handle"]
    account = {"platform": text["platform"].lower(), "handle": handle}
    followers = _followers(text["followers"])
    return [{**account, "followers": followers}, *others]


# More than any account has; the API refuses a longer text at its field.
_DIGITS_MAX: Final = 18


def _followers(text: str) -> int | str | None:
    """Return a number such as `48,000`; what is none goes to the API as it is, which says so."""
    plain = text.replace(",", "").replace(" ", "")
    is_number = plain.isascii() and plain.isdigit() and len(plain) <= _DIGITS_MAX
    return int(plain) if is_number else text or None


def values_of(creator: Json) -> Mapping[str, str]:
    """Return the fields of the form of a creator that exists."""
    first = next(iter(creator["platform_accounts"]), None)
    followers = None if first is None else first["followers"]
    return {
        "name": creator["name"],
        "handle": creator["handle"] or "",
        "platform": "" if first is None else first["platform"],
        "followers": "" if followers is None else str(followers),
        "country": creator["country"] or "",
        "topics": ", ".join(creator["topics"]),
    }
