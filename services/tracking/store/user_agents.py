"""Which user agents declare themselves crawlers or previewers.

Promise: a verdict is a flag, never a refusal; HTTP libraries (curl, httpx, an empty agent) are not bots, because servers
and scripts of honest people use them (DESIGN 5.3). What can go wrong: the list costs most of a millisecond for an agent
never seen before, so verdicts are kept.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from crawleruseragents import CRAWLER_USER_AGENTS_DATA

from shared.events import Quality

# Agents of real browsers number in the tens of thousands; at 300 bytes each this is below 10 MB.
VERDICTS_KEPT: Final = 16_384

# Tags of the list that name tools rather than crawlers.
_TOOL_TAGS: Final = frozenset(("http-library",))
_PREVIEW_TAG: Final = "social-preview"
# Meta's in-app browser ("MetaIAB"): a person reads in it.
_PEOPLE_PATTERNS: Final = frozenset(("MetaIAB Facebook",))


def _compile(patterns: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns))


class Agents:
    """Verdicts on user agents, remembered."""

    def __init__(self) -> None:
        crawlers = [
            (str(entry["pattern"]), frozenset(entry.get("tags", ())))
            for entry in CRAWLER_USER_AGENTS_DATA
            if not _TOOL_TAGS & frozenset(entry.get("tags", ()))
            and entry["pattern"] not in _PEOPLE_PATTERNS
        ]
        self._all = _compile(pattern for pattern, _ in crawlers)
        self._previews = _compile(pattern for pattern, tags in crawlers if _PREVIEW_TAG in tags)
        self.flags = lru_cache(maxsize=VERDICTS_KEPT)(self._judge)

    def _judge(self, user_agent: str) -> tuple[Quality, ...]:
        if not user_agent or self._all.search(user_agent) is None:
            return ()
        if self._previews.search(user_agent) is not None:
            return (Quality.PREVIEW,)
        return (Quality.BOT,)
