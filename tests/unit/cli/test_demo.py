"""The events of the demo: deterministic, in order, within the month, of every kind."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

from services.cli.demo.demo_brand import DEMO_DAYS, OUTLET
from services.cli.demo.demo_catalog import catalog_size, posts
from services.cli.demo.demo_counts import make_reports
from services.cli.demo.demo_events import link_code, make_month

FIRST = date(2026, 3, 1)
MONTH = make_month(FIRST)


def test_the_same_first_day_gives_the_same_events() -> None:
    assert make_month(FIRST) == MONTH
    assert make_month(date(2026, 4, 1)) != MONTH


def test_events_are_in_order_and_before_the_last_day() -> None:
    times = [datetime.fromisoformat(event["occurred_at"]) for event in MONTH.events]
    assert times == sorted(times)
    assert times[0] >= datetime(2026, 3, 1, tzinfo=UTC)
    assert times[-1] < datetime(2026, 3, 1, tzinfo=UTC) + timedelta(days=DEMO_DAYS - 1)


def test_every_event_has_its_own_id() -> None:
    names = ("event_id", "adjustment_id", "conversion_id", "order_id")
    ids = [
        (event.get("store"), next(event[name] for name in names if name in event))
        for event in MONTH.events
    ]
    assert len(set(ids)) == len(ids)


def test_the_month_holds_every_kind_of_event() -> None:
    kinds = Counter(event["type"] for event in MONTH.events)
    assert set(kinds) == {"clicked", "ordered", "renewed", "lead", "order_adjusted", "surveyed"}
    assert kinds["clicked"] == MONTH.clicks
    assert kinds["ordered"] + kinds["renewed"] == MONTH.orders
    refunds = Counter(event.get("kind") for event in MONTH.events)
    assert refunds["refund"]
    assert refunds["cancel"]


def test_the_outlet_has_numbers_of_the_main_store() -> None:
    """Each event of an order names its store, so none is listed as doubtful."""
    numbers: dict[str, set[str]] = {}
    for event in MONTH.events:
        if event["type"] in ("ordered", "renewed"):
            numbers.setdefault(event["store"], set()).add(event["order_id"])
    assert set(numbers) == {"main", OUTLET.name}
    assert len(numbers[OUTLET.name]) == OUTLET.orders
    assert numbers[OUTLET.name] < numbers["main"]
    assert all("store" in event for event in MONTH.events if event["type"] != "clicked")


def test_clicks_name_links_of_the_catalog() -> None:
    planned = {link_code(post) for post, _ in posts()}
    assert {event["link"] for event in MONTH.events if event["type"] == "clicked"} == planned
    assert catalog_size() > len(planned)


def test_the_story_is_an_order_with_three_touches() -> None:
    (order,) = [
        event
        for event in MONTH.events
        if event.get("order_id") == MONTH.story_order and event["type"] == "ordered"
    ]
    visitor = order["person"]["visitor_id"]
    clicks = [
        event["link"]
        for event in MONTH.events
        if event["type"] == "clicked" and event.get("person", {}).get("visitor_id") == visitor
    ]
    assert len(clicks) == 2
    assert order["codes"] == ["KETTLE15"]


def test_social_counts_grow_and_have_only_placements_of_the_catalog() -> None:
    placements = {post.slug: f"placement of {post.slug}" for post, _ in posts()}
    reports = list(make_reports(FIRST, placements))
    assert reports == list(make_reports(FIRST, placements))
    by_placement: dict[str, list[dict[str, Any]]] = {}
    for report in reports:
        by_placement.setdefault(report["placement_id"], []).append(report)
    assert 0 < len(by_placement) <= len(placements)
    for first, last in by_placement.values():
        assert first["as_of"] < last["as_of"]
        for name in ("impressions", "views", "likes", "comments", "shares", "saves"):
            assert 0 <= first[name] <= last[name]
        assert last["impressions"] > last["views"] > last["likes"]
