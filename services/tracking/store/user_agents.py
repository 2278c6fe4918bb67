"""Flags for user agents that declare themselves crawlers or link previewers.

Promise: the result is a flag, never a refusal. HTTP libraries (curl, httpx) and an empty agent are
not bots, because servers of brands use them. What can go wrong: to match a new agent takes almost a
millisecond, so results are cached.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from crawleruseragents import CRAWLER_USER_AGENTS_DATA

from shared.events import Quality

# Real browsers have some ten thousand different agents. At 300 bytes each this is below 10 MB.
CACHED_AGENTS: Final = 16_384

# Tags of the list for tools that are not crawlers.
_TOOL_TAGS: Final = frozenset(("http-library",))
_PREVIEW_TAG: Final = "social-preview"
# "MetaIAB" is the in-app browser of Meta: a person uses it.
_PEOPLE_PATTERNS: Final = frozenset(("MetaIAB Facebook",))


def _compile(patterns: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns))


class Agents:
    """Matches user agents against the public list of crawlers, with a cache."""

    def __init__(self) -> None:
        crawlers = [
            (str(entry["pattern"]), frozenset(entry.get("tags", ())))
            for entry in CRAWLER_USER_AGENTS_DATA
            if not _TOOL_TAGS & frozenset(entry.get("tags", ()))
            and entry["pattern"] not in _PEOPLE_PATTERNS
        ]
        self._all = _compile(pattern for pattern, _ in crawlers)
        self._previews = _compile(pattern for pattern, tags in crawlers if _PREVIEW_TAG in tags)
        self.flags = lru_cache(maxsize=CACHED_AGENTS)(self._flags)

    def _flags(self, user_agent: str) -> tuple[Quality, ...]:
        if not user_agent or self._all.search(user_agent) is None:
            return ()
        if self._previews.search(user_agent) is not None:
            return (Quality.PREVIEW,)
        return (Quality.BOT,)
