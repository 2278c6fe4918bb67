"""Flags for user agents that declare themselves crawlers or link previewers.

Promise: the result is a flag, never a refusal. HTTP libraries (curl, httpx) and an empty agent are
not bots, because servers of brands use them. Only the first `AGENT_CHARACTERS_MAX` characters are
read. Almost all patterns of the list are plain names: one automaton finds them in one pass, so the
work grows with the length of the text and not with its content.
What can go wrong: nothing; a strange text takes up to a millisecond, so results are cached.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from ahocorasick_rs import AhoCorasick, Implementation
from crawleruseragents import CRAWLER_USER_AGENTS_DATA

from services.tracking.domain.visits import AGENT_CHARACTERS_MAX
from shared.events import Quality

# Real browsers have some thousand different agents. A strange text of 512 characters takes up to
# 2 KiB, so that the cache never holds more than 17 MB.
CACHED_AGENTS: Final = 8_192

# Tags of the list for tools that are not crawlers.
_TOOL_TAGS: Final = frozenset(("http-library",))
_PREVIEW_TAG: Final = "social-preview"
# "MetaIAB" is the in-app browser of Meta: a person uses it.
_PEOPLE_PATTERNS: Final = frozenset(("MetaIAB Facebook",))

_ESCAPED: Final = re.compile(r"\\([^A-Za-z0-9])")
_SPECIAL: Final = re.compile(r"[\\^$.|?*+()\[\]{}]")


class _Patterns:
    """Some patterns of the list: the plain names in an automaton, the few others in a regex."""

    def __init__(self, patterns: Iterable[str]) -> None:
        names: list[str] = []
        others: list[str] = []
        for pattern in patterns:
            if _SPECIAL.search(_ESCAPED.sub("", pattern)) is None:
                names.append(_ESCAPED.sub(r"\1", pattern))
            else:
                others.append(f"(?:{pattern})")
        self._names = AhoCorasick(names, implementation=Implementation.DFA)
        # About 30 patterns. `(?!)` matches nothing.
        self._others = re.compile("|".join(others) or "(?!)")

    def match(self, user_agent: str) -> bool:
        """Return whether one of the patterns is in the text."""
        return bool(
            self._names.find_matches_as_indexes(user_agent)
            or self._others.search(user_agent) is not None
        )


class Agents:
    """Matches user agents against the public list of crawlers, with a cache."""

    def __init__(self) -> None:
        previews: list[str] = []
        crawlers: list[str] = []
        for entry in CRAWLER_USER_AGENTS_DATA:
            tags = frozenset(entry.get("tags", ()))
            if not _TOOL_TAGS & tags and entry["pattern"] not in _PEOPLE_PATTERNS:
                (previews if _PREVIEW_TAG in tags else crawlers).append(str(entry["pattern"]))
        self._previews, self._crawlers = _Patterns(previews), _Patterns(crawlers)
        self._cached = lru_cache(maxsize=CACHED_AGENTS)(self._flags)

    def flags(self, user_agent: str) -> tuple[Quality, ...]:
        """Return a flag when the user agent declares itself a previewer or another crawler."""
        # Cut before the cache, so that a long text never lies in it.
        return self._cached(user_agent[:AGENT_CHARACTERS_MAX])

    def _flags(self, user_agent: str) -> tuple[Quality, ...]:
        if self._previews.match(user_agent):
            return (Quality.PREVIEW,)
        return (Quality.BOT,) if self._crawlers.match(user_agent) else ()
