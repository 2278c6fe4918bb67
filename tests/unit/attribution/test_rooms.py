"""Touches times conversions are bounded: many orders with the same touches are decided by fewer.

The number of touches that decide an order depends on the conversions with the same keys only, never
on the other conversions of the scope.
"""

from typing import Final

import pytest

from services.attribution.domain import journey
from services.attribution.domain.components import CONVERSIONS_MAX
from services.attribution.domain.decide import decide_scope
from services.attribution.domain.model import ConversionVersion, Decision, Touch
from services.attribution.domain.reasons import Reason
from tests.factories import (
    conversion_key,
    days,
    facts,
    influencers,
    minutes,
    order,
    scope,
    touch,
    visitor,
)

FACTS: Final = facts(influencers("mia"))
TERMINAL, PHONE = visitor("terminal"), visitor("phone")
ORDERS: Final = 60
ROOM: Final = journey.TOUCHES_MAX // ORDERS


@pytest.mark.parametrize(
    ("conversions", "room"),
    [(1, 10_000), (2, 5_000), (100, 100), (101, 100), (CONVERSIONS_MAX, 100)],
)
def test_the_touches_of_one_conversion_are_fewer_where_many_share_them(
    conversions: int, room: int
) -> None:
    assert journey.room_for(conversions) == room


def touches(count: int) -> list[Touch]:
    """One touch a minute at the terminal, the oldest first."""
    return [touch(f"t{n:04}", by=TERMINAL, ago=minutes(count - n)) for n in range(count)]


def orders(count: int) -> list[ConversionVersion]:
    return [order(f"{n}", TERMINAL) for n in range(count)]


def kept(decision: Decision) -> list[str]:
    return [c.touch_id for c in decision.candidates if c.verdict == "kept"]


def test_the_newest_touches_before_each_order_decide_it() -> None:
    seen = touches(ROOM + 50)
    early = order("early", TERMINAL, ago=minutes(100))
    decisions = decide_scope(scope(*seen, *orders(ORDERS - 1), early), FACTS)
    assert kept(decisions[conversion_key("0")]) == [t.touch_id for t in seen[-ROOM:]]
    before = [t.touch_id for t in seen if t.occurred_at <= early.occurred_at]
    assert kept(decisions[conversion_key("early")]) == before[-ROOM:]
    reasons = {c.reason for c in decisions[conversion_key("0")].candidates} - {None}
    assert reasons == {Reason.JOURNEY_TOO_LONG}


def test_older_touches_are_listed_only_so_far() -> None:
    seen = touches(2 * ROOM + journey.TOO_LONG_LISTED_MAX)
    decision = decide_scope(scope(*seen, *orders(ORDERS)), FACTS)[conversion_key("0")]
    assert len(decision.candidates) == ROOM + journey.TOO_LONG_LISTED_MAX


def test_a_click_that_the_order_carries_counts_whatever_its_age() -> None:
    carried = touch("carried", by=PHONE, ago=days(20))
    told = [*orders(ORDERS - 1), order("mine", TERMINAL, carries=carried)]
    decision = decide_scope(scope(*touches(2 * ROOM), carried, *told), FACTS)
    found = kept(decision[conversion_key("mine")])
    assert found[0] == carried.touch_id
    assert len(found) >= ROOM


def test_orders_of_other_people_in_the_scope_change_nothing() -> None:
    seen, own = touches(2 * ROOM), orders(ORDERS)
    others = [order(f"other{n}", visitor(f"v{n}")) for n in range(ORDERS)]
    alone = decide_scope(scope(*seen, *own), FACTS)
    together = decide_scope(scope(*seen, *own, *others), FACTS)
    assert all(together[key] == decision for key, decision in alone.items())
