"""Repeat clicks: one visitor's clicks on one link, each at most 10 seconds after the one before.

They are one click in the counts and in every decision, whatever their order of arrival.
"""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from services.attribution.domain.decide import decide_scope
from services.attribution.domain.model import Candidate, Decision, Scope, Touch
from services.attribution.domain.reasons import Reason
from services.attribution.domain.repeats import repeats_in
from services.attribution.domain.tallies import tally
from shared.events import Quality
from tests.factories import (
    click,
    conversion_key,
    days,
    facts,
    influencers,
    link_id,
    order,
    scope,
    touch,
    visitor,
)

FACTS = facts(influencers("mia", "leo"))
PHONE, TABLET = visitor("phone"), visitor("tablet")
FIRST = structs.replace(touch("a", by=PHONE, ago=days(1)), touch_id="a")


def after(seconds: float, name: str, **changes: object) -> Touch:
    """Return a click of the same visitor on the same link, so long after the first."""
    moment = FIRST.occurred_at + timedelta(seconds=seconds)
    return structs.replace(FIRST, touch_id=name, occurred_at=moment, **changes)


def decided(evidence: Scope) -> Decision:
    return decide_scope(evidence, FACTS)[conversion_key()]


def kept_of(*touches: Touch) -> list[str]:
    """Return the touches that count for an order of the visitor of `FIRST`."""
    return [c.touch_id for c in listed(*touches) if c.verdict == "kept"]


def listed(*touches: Touch) -> Sequence[Candidate]:
    return decided(scope(*touches, order("1001", PHONE))).candidates


def counted(*touches: Touch) -> tuple[int, int]:
    """Return how many touches count, and how many are counted apart."""
    found = tally(touches, FACTS, repeats=repeats_in(touches, ()).new)
    return sum(t.counted for t in found), sum(t.flagged for t in found)


def test_thirty_identical_clicks_in_a_second_are_one() -> None:
    clicks = [after(n / 30, f"c{n:02}") for n in range(30)]
    assert kept_of(*clicks) == ["c00"]
    assert {c.reason for c in listed(*clicks)[1:]} == {Reason.REPEAT_CLICK}
    assert counted(*clicks) == (1, 29)
    same_moment = [after(0, f"c{n:02}") for n in range(30)]
    assert kept_of(*same_moment) == ["c00"]
    assert counted(*same_moment) == (1, 29)


def test_a_repeated_click_earns_no_more_than_one() -> None:
    """Three clicks for Mia in a row and one for Leo: under `linear` each has a half."""
    other = touch("z", of="leo", by=PHONE)
    thrice = scope(FIRST, after(3, "b"), after(6, "c"), other, order("1001", PHONE))
    once = scope(FIRST, other, order("1001", PHONE))
    assert decided(thrice).credits == decided(once).credits


@pytest.mark.parametrize(
    ("second", "is_repeat"),
    [
        (after(0, "b"), True),
        (after(10, "b"), True),
        (after(10.000001, "b"), False),
        (after(0, "b", link_id=link_id("leo")), False),
        (after(0, "b", anon_key=TABLET), False),
        (after(0, "b", source_kind="public"), False),
        (after(0, "b", kind="view"), False),
    ],
)
def test_what_is_a_repeat(second: Touch, is_repeat: bool) -> None:
    assert repeats_in([FIRST, second], ()).new == ({"b"} if is_repeat else set())


def test_what_a_public_key_told_hides_no_trusted_click() -> None:
    told = after(-5, "told", source_kind="public")
    assert kept_of(told, FIRST) == ["told", "a"]
    assert counted(told, FIRST) == (2, 0)


def test_clicks_without_a_visitor_repeat_nothing() -> None:
    one, other = (touch(name, click_key=click("k"), by=click("k"), ago=days(1)) for name in "ab")
    unknown = [touch(name, ago=days(1), consent=False) for name in "cd"]
    assert repeats_in([one, other, *unknown], ()).new == set()


@pytest.mark.parametrize("flag", [Quality.BOT, Quality.PREVIEW, Quality.PREFETCH])
def test_a_flagged_click_makes_no_repeat(flag: Quality) -> None:
    """The browser loaded the link in advance, then the person opened it."""
    flagged = after(-2, "f", quality=(flag,))
    assert kept_of(flagged, FIRST) == ["a"]
    assert counted(flagged, FIRST) == (1, 1)


def test_a_series_is_one_click_however_long_it_is() -> None:
    clicks = [after(9 * n, f"c{n:03}") for n in range(200)]
    assert kept_of(*clicks) == ["c000"]
    assert counted(*clicks) == (1, 199)
    pause = after(9 * 199 + 11, "d")
    assert kept_of(*clicks, pause) == ["c000", "d"]


def test_the_click_that_the_order_carries_counts_for_its_series() -> None:
    carried = after(4, "b", click_key=click("k"))
    evidence = scope(FIRST, carried, after(8, "c"), order("1001", PHONE, carries=carried))
    kept = [c.touch_id for c in decided(evidence).candidates if c.verdict == "kept"]
    assert kept == ["b"]


def test_a_repeat_of_a_click_that_cannot_count_counts() -> None:
    old = touch("a", by=PHONE, ago=days(30) + timedelta(seconds=3))
    again = touch("b", by=PHONE, ago=days(30) - timedelta(seconds=3))
    assert kept_of(old, again) == [again.touch_id]


CLICKS = st.builds(
    after,
    st.sampled_from((0, 3, 9, 10, 11, 18, 20, 25, 30)),
    st.sampled_from([f"c{n}" for n in range(12)]),
    anon_key=st.sampled_from((PHONE, TABLET)),
    quality=st.sampled_from(((), (), (), (Quality.BOT,))),
    source_kind=st.sampled_from(("edge", "edge", "public")),
)


@given(
    st.lists(CLICKS, unique_by=lambda t: t.touch_id, max_size=10),
    st.lists(st.integers(0, 3), min_size=10, max_size=10),
)
def test_any_arrival_gives_the_counts_of_all_at_once(
    clicks: list[Touch], batches: list[int]
) -> None:
    """A batch knows of what is stored only the nearest earlier and later click of each series."""
    whole = repeats_in(clicks, ()).new
    repeats: set[str] = set()
    stored: list[Touch] = []
    for batch in range(4):
        new = [one for one, number in zip(clicks, batches, strict=False) if number == batch]
        found = repeats_in(new, [near for one in new for near in neighbours(one, stored)])
        turned = {one.touch_id for one in found.turned}
        assert not repeats & turned
        repeats |= found.new | turned
        stored += new
    assert repeats == whole


def neighbours(one: Touch, stored: Sequence[Touch]) -> list[Touch]:
    """Return the nearest earlier and later stored click, as the store finds them."""
    alike = [
        other
        for other in stored
        if (other.anon_key, other.link_id, other.source_kind)
        == (one.anon_key, one.link_id, one.source_kind)
        and not other.quality
        and abs(other.occurred_at - one.occurred_at) <= timedelta(seconds=10)
    ]
    moments = {(other.occurred_at, other.touch_id): other for other in alike}
    earlier = [at for at in moments if at < (one.occurred_at, one.touch_id)]
    later = [at for at in moments if at > (one.occurred_at, one.touch_id)]
    return [moments[at] for at in (*sorted(earlier)[-1:], *sorted(later)[:1])]
