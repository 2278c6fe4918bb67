"""The events of the demo: every click, order, lead, renewal, survey and refund of a month. Pure.

Promise: the same first day and seed give the same events with the same ids, in order of time.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from services.cli.demo.demo_brand import (
    BRAND_POSTS,
    CREATORS,
    CURRENCY,
    DEMO_DAYS,
    ORGANIC_ORDERS_A_DAY,
    OUTLET,
    PRODUCT_PRICES,
    SHARED_CODE,
    SURVEYED,
    DemoCreator,
    DemoPost,
)
from shared.ids import MAIN_STORE
from shared.money import format_minor

SEED: Final = 20_260_301
FIRST_ORDER: Final = 1001

Event = dict[str, Any]

# The weights of the days after a post: most clicks on the first two, or spread by search.
_SPIKE: Final = (46, 24, 12, 7, 4, 3, 2, 1, 1)
_TAIL: Final = (12, 10, 9, 8, 7, 7, 6, 6, 5, 5, 5, 4, 4, 4, 3, 3, 2)
# The weights of the hours of a day, in percent of the busiest hour.
_HOURS: Final = (
    8,
    5,
    3,
    2,
    2,
    4,
    14,
    30,
    38,
    36,
    34,
    38,
    46,
    42,
    38,
    40,
    48,
    62,
    78,
    94,
    100,
    84,
    52,
    24,
)
_RETURNING_PERMILLE: Final = 90
_REPEAT_PERMILLE: Final = 210
_RENEWAL_PERMILLE: Final = 120
_LEAD_PERMILLE: Final = 22
_REFUND_PERMILLE: Final = 55
_CANCEL_PERMILLE: Final = 18
_PREVIEW_PERMILLE: Final = 12
# The fields of a draft that are sent unchanged.
_PUBLIC_FIELDS: Final = ("type", "link", "person", "user_agent", "codes", "new_customer")
_PREVIEW_AGENT: Final = "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)"


@dataclass(frozen=True, slots=True)
class DemoMonth:
    """Everything to send, in order of time; `story_order` is the order to explain."""

    events: tuple[Event, ...]
    story_order: str
    orders: int
    clicks: int


@dataclass(slots=True)
class _Draft:
    """Events without numbers: orders are numbered in order of time when all are made."""

    first_day: date
    chance: random.Random
    events: list[tuple[datetime, Event]] = field(default_factory=list)
    visitors: int = 0
    customers: int = 0
    recent: list[str] = field(default_factory=list)

    def at(self, day: int, hour: int, minute: int = 0, second: int = 0) -> datetime:
        start = datetime.combine(self.first_day, time(hour, minute, second), UTC)
        return start + timedelta(days=day)

    @property
    def end(self) -> datetime:
        return self.at(DEMO_DAYS - 1, 0)

    def happens(self, permille: int) -> bool:
        return self.chance.randrange(1000) < permille

    def add(self, at: datetime, event: Event) -> None:
        if at < self.end:
            self.events.append((at, event))

    def new_visitor(self) -> str:
        self.visitors += 1
        visitor = f"demo-visitor-{self.visitors:05d}"
        self.recent = [*self.recent[-400:], visitor]
        return visitor

    def new_customer(self) -> str:
        self.customers += 1
        return f"demo-customer-{self.customers:04d}"


def make_month(first_day: date, seed: int = SEED) -> DemoMonth:
    """Return the month that begins on `first_day`; its last day is empty, for live traffic."""
    draft = _Draft(first_day, random.Random(seed))
    for creator in CREATORS:
        for post in creator.posts:
            _post(draft, post, creator)
        _code_only_orders(draft, creator)
    for post in BRAND_POSTS:
        _post(draft, post, None)
    _organic(draft)
    _story(draft)
    return _numbered(draft, _named_orders(draft))


def _post(draft: _Draft, post: DemoPost, creator: DemoCreator | None) -> None:
    weights = _TAIL if post.tail else _SPIKE
    for _ in range(post.clicks):
        days_after = draft.chance.choices(range(len(weights)), weights)[0]
        hour = draft.chance.choices(range(24), _HOURS)[0]
        if days_after == 0:
            hour = min(23, post.hour + draft.chance.randrange(4))
        at = draft.at(
            post.day + days_after, hour, draft.chance.randrange(60), draft.chance.randrange(60)
        )
        if draft.happens(_PREVIEW_PERMILLE):
            draft.add(
                at, {"type": "clicked", "link": link_code(post), "user_agent": _PREVIEW_AGENT}
            )
            continue
        known = draft.recent and draft.happens(_RETURNING_PERMILLE)
        visitor = draft.chance.choice(draft.recent) if known else draft.new_visitor()
        draft.add(at, clicked(post, visitor))
        _after_click(draft, post, creator, visitor, at)


def _after_click(
    draft: _Draft, post: DemoPost, creator: DemoCreator | None, visitor: str, at: datetime
) -> None:
    later = at + timedelta(minutes=3 + int(draft.chance.expovariate(1 / 900)))
    if draft.happens(post.buyers_permille):
        uses_code = creator is not None and draft.chance.randrange(100) < creator.code_use_percent
        person = {"visitor_id": visitor, "customer_id": draft.new_customer()}
        _bought(draft, later, person, creator if uses_code else None)
    elif draft.happens(_LEAD_PERMILLE):
        draft.add(later, {"type": "lead", "person": {"visitor_id": visitor}})


def _code_only_orders(draft: _Draft, creator: DemoCreator) -> None:
    """Orders by people who heard the code and did not click."""
    for _ in range(creator.code_only_orders):
        post = draft.chance.choice(creator.posts)
        days_after = draft.chance.choices(range(len(_TAIL)), _TAIL)[0]
        hour = draft.chance.choices(range(24), _HOURS)[0]
        at = draft.at(post.day + days_after, hour, draft.chance.randrange(60))
        _bought(draft, at, {"customer_id": draft.new_customer()}, creator)


def _named_orders(draft: _Draft) -> list[Event]:
    """Orders with ids of their own, so that the others keep their numbers.

    Some have a code of two creators. Some are of the outlet, whose numbers the main store has, too.
    The buyers of others were asked who led them here, and answered a day later.
    """
    found = []
    for number in range(1, SHARED_CODE.orders + 1):
        found.append(_named_order(draft, f"shared-{number}") | {"codes": [SHARED_CODE.code]})
    for number in range(OUTLET.orders):
        found.append(_named_order(draft, str(FIRST_ORDER + number), OUTLET.name))
    told = [answer for answer, times in SURVEYED.items() for _ in range(times)]
    for number, answer in enumerate(told, 1):
        order = _named_order(draft, f"asked-{number}")
        found += [order, _answered(order, answer)]
    return found


def _named_order(draft: _Draft, order_id: str, store: str = MAIN_STORE) -> Event:
    hour = draft.chance.choices(range(24), _HOURS)[0]
    at = draft.at(draft.chance.randrange(9, DEMO_DAYS - 2), hour, draft.chance.randrange(60))
    minor = draft.chance.choice([price for price, _ in PRODUCT_PRICES])
    return {
        "type": "ordered",
        "order_id": order_id,
        "store": store,
        "person": {"customer_id": f"demo-customer-{order_id}"},
        "net": format_minor(minor, CURRENCY),
        "currency": CURRENCY,
        "new_customer": True,
        "occurred_at": at.isoformat(),
    }


def _answered(order: Event, answer: str) -> Event:
    asked_at = datetime.fromisoformat(order["occurred_at"])
    return {
        "type": "surveyed",
        "event_id": f"demo-survey-{order['order_id']}",
        "order_id": order["order_id"],
        "store": order["store"],
        "answer": answer,
        "occurred_at": (asked_at + timedelta(days=1)).isoformat(),
    }


def _organic(draft: _Draft) -> None:
    for day in range(DEMO_DAYS - 1):
        for _ in range(draft.chance.randint(*ORGANIC_ORDERS_A_DAY)):
            hour = draft.chance.choices(range(24), _HOURS)[0]
            at = draft.at(day, hour, draft.chance.randrange(60), draft.chance.randrange(60))
            _bought(draft, at, {"customer_id": draft.new_customer()}, None)


def _bought(
    draft: _Draft, at: datetime, person: dict[str, str], code_of: DemoCreator | None
) -> None:
    """An order and what may follow it: a refund, a second order, a renewal of the coffee club."""
    _order(draft, at, person, code_of, is_new=True)
    days = timedelta(days=draft.chance.randint(6, 18), hours=draft.chance.randrange(12))
    again = {"customer_id": person["customer_id"]}
    if draft.happens(_REPEAT_PERMILLE):
        _order(draft, at + days, again, None, is_new=False)
    elif draft.happens(_RENEWAL_PERMILLE):
        draft.add(at + timedelta(days=14), {"type": "renewed", "minor": 2190, "person": again})


def _order(
    draft: _Draft,
    at: datetime,
    person: dict[str, str],
    code_of: DemoCreator | None,
    *,
    is_new: bool,
) -> None:
    items = draft.chance.choices(
        [price for price, _ in PRODUCT_PRICES],
        [weight for _, weight in PRODUCT_PRICES],
        k=draft.chance.randint(1, 3),
    )
    minor = sum(items)
    event: Event = {"type": "ordered", "person": person, "new_customer": is_new}
    if code_of is not None and code_of.code is not None:
        event["codes"] = [code_of.code]
        minor -= minor * code_of.discount_percent // 100
    event["minor"] = minor
    draft.add(at, event)
    if draft.happens(_REFUND_PERMILLE):
        _adjust(draft, at, event, "refund", min(minor, items[0]))
    elif draft.happens(_CANCEL_PERMILLE):
        _adjust(draft, at, event, "cancel", None)


def _adjust(draft: _Draft, at: datetime, order: Event, kind: str, minor: int | None) -> None:
    later = at + timedelta(days=draft.chance.randint(1, 7), minutes=draft.chance.randrange(600))
    draft.add(later, {"type": "order_adjusted", "of": order, "kind": kind, "minor": minor})


def _story(draft: _Draft) -> None:
    """One order with three touches: the video of a star, a tutorial, and the code of a podcast."""
    visitor = "demo-visitor-story"
    aria, mia, jonas = CREATORS[0], CREATORS[1], CREATORS[2]
    draft.add(draft.at(7, 21, 14), clicked(aria.posts[0], visitor))
    draft.add(draft.at(9, 8, 40), clicked(mia.posts[0], visitor))
    order = {
        "type": "ordered",
        "person": {"visitor_id": visitor, "customer_id": "demo-customer-story"},
        "new_customer": True,
        "codes": [jonas.code],
        "minor": 7_540,
        "story": True,
    }
    draft.add(draft.at(11, 19, 5), order)
    draft.add(
        draft.at(15, 10, 30),
        {"type": "order_adjusted", "of": order, "kind": "refund", "minor": 1_290},
    )


def _numbered(draft: _Draft, named: list[Event]) -> DemoMonth:
    """Return the month with an id for each event and a number for each order.

    `named` are further orders and answers, which have their ids.
    """
    ordered = sorted(draft.events, key=lambda pair: pair[0])
    numbers: dict[int, str] = {}
    for _, event in ordered:
        if event["type"] in ("ordered", "renewed"):
            numbers[id(event)] = str(FIRST_ORDER + len(numbers))
    story = next(numbers[id(event)] for _, event in ordered if event.get("story"))
    kinds = [event["type"] for _, event in ordered]
    return DemoMonth(
        tuple(sorted((*_public(ordered, numbers), *named), key=lambda event: event["occurred_at"])),
        story,
        orders=len(numbers) + sum(event["type"] == "ordered" for event in named),
        clicks=kinds.count("clicked"),
    )


def _public(ordered: Sequence[tuple[datetime, Event]], numbers: dict[int, str]) -> Iterator[Event]:
    for index, (at, draft) in enumerate(ordered):
        event: Event = {name: draft[name] for name in _PUBLIC_FIELDS if name in draft}
        event["occurred_at"] = at.isoformat()
        match draft["type"]:
            case "clicked":
                event["event_id"] = f"demo-click-{index:05d}"
            case "lead":
                event["store"] = MAIN_STORE
                event["conversion_id"] = f"demo-lead-{index:05d}"
            case "order_adjusted":
                event |= _adjustment(draft, numbers[id(draft["of"])])
            case _:
                event |= {"order_id": numbers[id(draft)], "store": MAIN_STORE}
                event |= {"net": format_minor(draft["minor"], CURRENCY), "currency": CURRENCY}
        yield event


def _adjustment(draft: Event, order_id: str) -> Event:
    event: Event = {
        "order_id": order_id,
        "store": MAIN_STORE,
        "adjustment_id": f"demo-{draft['kind']}-{order_id}",
        "kind": draft["kind"],
        "currency": CURRENCY,
    }
    if draft["minor"] is not None:
        event["amount"] = format_minor(draft["minor"], CURRENCY)
    return event


def clicked(post: DemoPost, visitor: str) -> Event:
    """Return the event of a visitor who followed the link of a post."""
    return {"type": "clicked", "link": link_code(post), "person": {"visitor_id": visitor}}


def link_code(post: DemoPost) -> str:
    """Return the short code of the link of a post."""
    return f"nh-{post.slug}"
