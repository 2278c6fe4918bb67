"""Send the events of the month, then live traffic: clicks on the short links and two orders.

Promise: a second run sends the same events with the same ids. Live clicks are made once, because a
click has no id that could be repeated.
What can go wrong: `Refused` with the first rejected event and the reason; no event should be
rejected.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import httpx

from services.cli.demo.demo_brand import CREATORS, CURRENCY, DemoPost
from services.cli.demo.demo_events import Event, link_code
from services.cli.explain.explain_command import fetch
from services.cli.profile import Api, Refused
from shared.clock import Clock
from shared.errors import ConfigurationError, Transient
from shared.ids import MAIN_STORE

BATCH_EVENTS: Final = 500  # the most that tracking takes at once
LIVE_CLICKS: Final = 12
LIVE_ORDERS: Final = ("live-1", "live-2")
_LINK_SECONDS_MAX: Final = 15.0
_POLL_SECONDS: Final = 0.1
_LIVE_NET: Final = ("49.90", "24.90")


async def send_month(api: Api, events: Sequence[Event], step: Callable[[int], None]) -> None:
    """Send all events in order; call `step` with the size of each accepted batch."""
    for start in range(0, len(events), BATCH_EVENTS):
        batch = events[start : start + BATCH_EVENTS]
        answer = await api.call("POST", "tracking", "/v1/events", json=list(batch))
        for rejected in answer["rejected"]:
            event = batch[rejected["index"]]
            raise Refused(
                httpx.codes.UNPROCESSABLE_ENTITY, f"{event} was rejected: {rejected['errors']}"
            )
        step(len(batch))


async def send_counts(api: Api, reports: Sequence[Event]) -> None:
    """Send the social counts of the posts."""
    answer = await api.call("POST", "tracking", "/v1/social", json=list(reports))
    for rejected in answer["rejected"]:
        report = reports[rejected["index"]]
        raise Refused(
            httpx.codes.UNPROCESSABLE_ENTITY, f"{report} was rejected: {rejected['errors']}"
        )


async def links_work(api: Api, clock: Clock, posts: Sequence[DemoPost]) -> None:
    """Wait until tracking has the links; it answers HEAD and records nothing.

    Raises `Transient` after `_LINK_SECONDS_MAX`.
    """
    deadline = clock.monotonic() + _LINK_SECONDS_MAX
    for post in posts:
        while (
            await api.send("HEAD", "tracking", f"/{link_code(post)}")
        ).status_code != httpx.codes.FOUND:
            if clock.monotonic() > deadline:
                raise Transient(
                    f"tracking does not have the link {link_code(post)} yet; see `laurel doctor`"
                )
            await clock.sleep(_POLL_SECONDS)


async def send_live(api: Api, clock: Clock) -> int:
    """Click the links, send two orders with click ids, and return the number of clicks."""
    if await is_known(api, LIVE_ORDERS[0]):
        return 0
    live_posts = [creator.posts[0] for creator in CREATORS]
    click_ids = [
        await _click(api, live_posts[number % len(live_posts)]) for number in range(LIVE_CLICKS)
    ]
    # Visitors of the second and of the fourth creator buy.
    for order, net, click_id in zip(
        LIVE_ORDERS, _LIVE_NET, (click_ids[1], click_ids[3]), strict=True
    ):
        body = {
            "order_id": order,
            "store": MAIN_STORE,
            "occurred_at": clock.now().isoformat(),
            "net": net,
            "currency": CURRENCY,
            "person": {"click_id": click_id, "customer_id": f"demo-customer-{order}"},
        }
        await api.call("POST", "tracking", "/v1/conversions", json=body)
    return LIVE_CLICKS


async def is_known(api: Api, order: str) -> bool:
    """Whether attribution has the order."""
    try:
        await fetch(api, order, "purchase")
    except ConfigurationError:
        return False
    return True


async def _click(api: Api, post: DemoPost) -> str:
    answer = await api.send("GET", "tracking", f"/{link_code(post)}")
    found: Any = parse_qs(urlsplit(answer.headers.get("location", "")).query).get("lclid")
    if answer.status_code != httpx.codes.FOUND or not found:
        raise Refused(
            answer.status_code, f"the short link {link_code(post)} answered {answer.status_code}"
        )
    return str(found[0])
