"""Repeat clicks: what one visitor clicks again on one link within 10 seconds. Pure.

Promise: a click is a repeat if its nearest earlier click of the same visitor on the same link is at
most 10 seconds older; equal times go by the id. So the first click of a series counts, however long
the series is, and the result depends only on the set of clicks. Only clicks that could count make
others repeats: flagged ones do not, and what a public key tells never hides what a trusted source
told. A click without a visitor repeats nothing.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta
from operator import attrgetter
from typing import Final

from msgspec import Struct, structs

from services.attribution.domain.model import Candidate, Touch, is_trusted_source
from services.attribution.domain.reasons import Reason
from shared.events import Quality
from shared.ids import is_click

WITHIN_SECONDS: Final = 10
FLAGS: Final = frozenset((Quality.BOT, Quality.PREVIEW, Quality.PREFETCH))
_WITHIN: Final = timedelta(seconds=WITHIN_SECONDS)
_VISITOR_AND_LINK: Final = attrgetter("anon_key", "link_id")

# Visitor, link, and whether a trusted source told it.
Series = tuple[bytes, str, bool]


class Found(Struct, frozen=True, gc=False):
    """The repeats that a batch brings.

    `new` are the ids of its own clicks that are repeats. `turned` are stored clicks that counted
    and are repeats now, because an earlier click came after them.
    """

    new: frozenset[str] = frozenset()
    turned: tuple[Touch, ...] = ()


def is_flagged(touch: Touch) -> bool:
    """Return whether a touch is of a robot, a preview or a prefetch."""
    return bool(touch.quality) and not FLAGS.isdisjoint(touch.quality)


def series_of(touch: Touch) -> Series | None:
    """Return the series that a touch belongs to; None for a touch that is never a repeat."""
    if touch.kind != "click" or touch.link_id is None or touch.anon_key is None:
        return None
    if is_click(touch.anon_key):
        return None
    return touch.anon_key, touch.link_id, is_trusted_source(touch.source_kind)


def repeats_in(new: Collection[Touch], stored: Iterable[Touch]) -> Found:
    """Return the repeats that new touches bring.

    `stored` has at least the nearest earlier and later stored click of each new one.
    """
    touches = [*stored, *new]
    met = Counter(map(_VISITOR_AND_LINK, touches))
    if len(met) == len(touches):
        return Found()
    by_series: defaultdict[Series, list[Touch]] = defaultdict(list)
    for touch in touches:
        # Nearly all are alone with their visitor and link.
        series = series_of(touch) if met[_VISITOR_AND_LINK(touch)] > 1 else None
        if series is not None and not is_flagged(touch):
            by_series[series].append(touch)
    several = [clicks for clicks in by_series.values() if len(clicks) > 1]
    if not several:
        return Found()
    new_ids = {touch.touch_id for touch in new}
    repeats: set[str] = set()
    turned: list[Touch] = []
    for clicks in several:
        # A stored click may be near several new ones.
        found = _in_series({touch.touch_id: touch for touch in clicks}.values(), new_ids)
        repeats |= found.new
        turned += found.turned
    return Found(frozenset(repeats), tuple(turned))


def _in_series(clicks: Iterable[Touch], new_ids: Collection[str]) -> Found:
    repeats: set[str] = set()
    turned: list[Touch] = []
    before = stored_before = None
    for touch in sorted(clicks, key=lambda t: (t.occurred_at, t.touch_id)):
        is_repeat = _follows(touch, before)
        if touch.touch_id not in new_ids:
            if is_repeat and not _follows(touch, stored_before):
                turned.append(touch)
            stored_before = touch
        elif is_repeat:
            repeats.add(touch.touch_id)
        before = touch
    return Found(frozenset(repeats), tuple(turned))


def without_repeats(
    candidates: Sequence[Candidate], touches: Iterable[Touch]
) -> Sequence[Candidate]:
    """Reject the kept clicks of these candidates (oldest first) that repeat another kept one.

    Of a series that has the click that the order carries, this click counts.
    """
    kept = [n for n, one in enumerate(candidates) if one.kind == "click" and one.verdict == "kept"]
    if len(kept) <= 1:
        return candidates
    by_id = {touch.touch_id: touch for touch in touches}
    last: dict[Series, list[int]] = {}
    runs: list[list[int]] = []
    for place in kept:
        series = series_of(by_id[candidates[place].touch_id])
        if series is None:
            continue
        run = last.get(series)
        if run and candidates[place].occurred_at - candidates[run[-1]].occurred_at <= _WITHIN:
            run.append(place)
        else:
            last[series] = run = [place]
            runs.append(run)
    repeats: set[int] = set()
    for run in runs:
        counting = next((place for place in run if candidates[place].carried), run[0])
        repeats.update(place for place in run if place != counting)
    return [
        structs.replace(one, verdict="rejected", reason=Reason.REPEAT_CLICK)
        if place in repeats
        else one
        for place, one in enumerate(candidates)
    ]


def _follows(touch: Touch, before: Touch | None) -> bool:
    return before is not None and touch.occurred_at - before.occurred_at <= _WITHIN
