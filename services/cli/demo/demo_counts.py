"""The social counts of the demo: what the platforms report of each post. Pure.

Promise: the same first day gives the same reports, so a second run repeats them. Podcasts and blogs
have no counts, because none are reported. Two reports of each other post differ by day.
"""

import random
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from services.cli.demo.demo_brand import DEMO_DAYS
from services.cli.demo.demo_catalog import posts

SEED: Final = 20_260_302
# Showings of one click, and what follows from a thousand showings, at least and at most.
_IMPRESSIONS_A_CLICK: Final = (45, 140)
_PER_THOUSAND: Final = {
    "views": (420, 760),
    "likes": (18, 60),
    "comments": (1, 6),
    "shares": (2, 9),
    "saves": (3, 14),
}
# The first report has this part of the last, in percent.
_FIRST_PERCENT: Final = 60
_UNREPORTED: Final = frozenset(("blog", "podcast"))


def make_reports(first_day: date, placements: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Yield the reports of all posts; `placements` has the placement id of each post."""
    chance = random.Random(SEED)
    for post, _ in posts():
        impressions = post.clicks * chance.randint(*_IMPRESSIONS_A_CLICK)
        last = {"impressions": impressions} | {
            name: impressions * chance.randint(*bounds) // 1_000
            for name, bounds in _PER_THOUSAND.items()
        }
        if post.platform in _UNREPORTED:
            continue
        first = {name: count * _FIRST_PERCENT // 100 for name, count in last.items()}
        middle = (post.day + DEMO_DAYS - 1) // 2
        for day, counts in ((middle, first), (DEMO_DAYS - 2, last)):
            yield {
                "placement_id": placements[post.slug],
                "as_of": _noon(first_day + timedelta(days=day)).isoformat(),
                "source": post.platform,
                "quality": "observed",
                **counts,
            }


def _noon(day: date) -> datetime:
    return datetime.combine(day, time(12), UTC)
