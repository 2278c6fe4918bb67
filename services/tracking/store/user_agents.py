"""Flags for user agents that declare themselves crawlers or link previewers.

Promise: the result is a flag, never a refusal. HTTP libraries (curl, httpx) and an empty agent are
not bots, because servers of brands use them. A person in an app's own browser is no previewer of
that app: in the agent of a browser only names count that robots put there. Only the first
`AGENT_CHARACTERS_MAX` characters are read. Almost all patterns of the list are plain names: one
automaton finds them in one pass, so the work grows with the length of the text and not with its
content.
What can go wrong: nothing; a strange text takes up to a millisecond, so results are cached.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final, NamedTuple

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
# Patterns of the list that people's browsers match: the in-app browser of Meta, and a build of
# Android that millions of phones have.
_PEOPLE_PATTERNS: Final = frozenset(("MetaIAB Facebook", r"AP3A\.240617\.008"))
# Previewers that the list has not.
_MORE_PREVIEWERS: Final = (
    "Cardyb",
    "Link Preview/",
    "LinkExpander",
    "LinkPreview/",
    "Pinterest/0.",
    "facebookexternalua",
    "facebookplatform",
    "facebookscraper",
    "kakaotalk-scrap",
)

_ESCAPED: Final = re.compile(r"\\([^A-Za-z0-9])")
_SPECIAL: Final = re.compile(r"[\\^$.|?*+()\[\]{}]")
# A name with such a word is no name of an app or a phone.
_ROBOT_WORD: Final = re.compile(
    "bot|crawl|spider|preview|fetch|scan|scrap|external|headless|monitor|proxy|http", re.IGNORECASE
)
_BROWSER: Final = "Mozilla/5.0 ("
_ENGINES: Final = ("AppleWebKit/", "Gecko/")
# How robots with the agent of a browser name themselves, and what only robots have in it.
_COMPATIBLE: Final = "compatible;"
_WEB_ADDRESS: Final = "://"


class _Meaning(NamedTuple):
    """What a pattern says. `everywhere`: also inside the agent of a browser."""

    flag: Quality
    everywhere: bool


class Agents:
    """Matches user agents against the public list of crawlers, with a cache."""

    def __init__(self) -> None:
        names: list[str] = []
        others: dict[_Meaning, list[str]] = {}
        self._meanings: list[_Meaning] = []
        for pattern, meaning in _patterns():
            if _SPECIAL.search(_ESCAPED.sub("", pattern)) is None:
                names.append(_ESCAPED.sub(r"\1", pattern))
                self._meanings.append(meaning)
            else:
                others.setdefault(meaning, []).append(f"(?:{pattern})")
        self._names = AhoCorasick(names, implementation=Implementation.DFA)
        # About 30 patterns.
        self._others = [(meaning, re.compile("|".join(found))) for meaning, found in others.items()]
        self._cached = lru_cache(maxsize=CACHED_AGENTS)(self._flags)

    def flags(self, user_agent: str) -> tuple[Quality, ...]:
        """Return a flag when the user agent declares itself a previewer or another crawler."""
        # Cut before the cache, so that a long text never lies in it.
        return self._cached(user_agent[:AGENT_CHARACTERS_MAX])

    def _flags(self, user_agent: str) -> tuple[Quality, ...]:
        found = {
            self._meanings[place]
            for place, _, _ in self._names.find_matches_as_indexes(user_agent, overlapping=True)
        }
        found |= {meaning for meaning, other in self._others if other.search(user_agent)}
        is_browser = _is_browser(user_agent)
        flags = {meaning.flag for meaning in found if meaning.everywhere or not is_browser}
        if Quality.PREVIEW in flags:
            return (Quality.PREVIEW,)
        return (Quality.BOT,) if flags else ()


def _patterns() -> Iterator[tuple[str, _Meaning]]:
    """Yield each pattern of robots with its meaning."""
    for name in _MORE_PREVIEWERS:
        yield re.escape(name), _Meaning(Quality.PREVIEW, everywhere=True)
    for entry in CRAWLER_USER_AGENTS_DATA:
        tags, pattern = frozenset(entry.get("tags", ())), str(entry["pattern"])
        if not _TOOL_TAGS & tags and pattern not in _PEOPLE_PATTERNS:
            flag = Quality.PREVIEW if _PREVIEW_TAG in tags else Quality.BOT
            yield pattern, _Meaning(flag, _is_everywhere(pattern, entry.get("instances", ())))


def _is_everywhere(pattern: str, instances: Iterable[str]) -> bool:
    """Return whether a robot uses this name inside the agent of a browser, as the list shows it.

    Otherwise the name may also be of an app, a browser or a phone: `WhatsApp`, `Sogou`, `Sonic`.
    """
    return _ROBOT_WORD.search(pattern) is not None or any(map(_is_like_browser, instances))


def _is_browser(user_agent: str) -> bool:
    return _is_like_browser(user_agent) and _WEB_ADDRESS not in user_agent


def _is_like_browser(user_agent: str) -> bool:
    return (
        user_agent.startswith(_BROWSER)
        and any(engine in user_agent for engine in _ENGINES)
        and _COMPATIBLE not in user_agent
    )
