"""How far a new workspace is: five steps, told by the API alone.

Promise: nothing is stored, so a step is done however it was done: on a page, by an import, by the
API. A brand with orders or goals in its figures is asked nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from services.dashboard.client.api import Answer, Failed, Got, together
from services.dashboard.layout.frame import Frame
from services.dashboard.layout.parts import Step

START: Final = "/app/start"
Json = Mapping[str, Any]
_ONE: Final = {"limit": "1"}
_CLICKS: Final = {"from": "all", "group_by": "creator", "metrics": "clicks"}


@dataclass(frozen=True, slots=True)
class Progress:
    """What a workspace has. `policies` are its rules, `link` is its newest one."""

    policies: Sequence[Json]
    link: Json | None
    clicks: int
    is_connected: bool
    has_goal: bool

    @property
    def has_margin(self) -> bool:
        """Whether any rules have a margin."""
        return any(policy["margin"] is not None for policy in self.policies)

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to do."""
        return bool(self.has_margin and self.is_connected and self.clicks and self.has_goal)


async def progress_of(frame: Frame) -> Progress | Failed:
    """Ask how far the workspace is."""
    answers = await together(
        frame.api.items("roi", "/v1/policies"),
        frame.api.get("roi", "/v1/links", _ONE),
        frame.api.get("roi", "/v1/connections", _ONE),
        frame.api.get("roi", "/v1/goals", _ONE),
        frame.api.get("roi", "/v1/roi", _CLICKS),
        frame.api.get("attribution", "/v1/orders", _ONE),
    )
    bodies = []
    for answer in answers:
        if isinstance(answer, Failed):
            return answer
        bodies.append(answer.body)
    policies, links, connections, goals, clicks, orders = bodies
    return Progress(
        policies=policies,
        link=next(iter(links["items"]), None),
        clicks=clicks["totals"]["clicks"] or 0,
        is_connected=bool(connections["items"] or orders["items"]),
        has_goal=bool(goals["items"]),
    )


async def card(frame: Frame, trend: Answer, goals: Answer) -> Sequence[Step]:
    """Return the steps for the overview; none where the brand is not new, or everything is done.

    `trend` and `goals` are answers that the overview has.
    """
    if frame.view.filters or not is_new(trend, goals):
        return ()
    found = await progress_of(frame)
    return () if isinstance(found, Failed) or found.is_done else steps_of(frame, found)


def is_new(trend: Answer, goals: Answer) -> bool:
    """Return whether a brand may be new: no order yet, and no click or no goal."""
    if not (isinstance(trend, Got) and isinstance(goals, Got)):
        return False
    has_orders = bool(trend.body["totals"].get("conversions"))
    return not has_orders and not (trend.body["rows"] and goals.body["items"])


def steps_of(frame: Frame, found: Progress) -> Sequence[Step]:
    """Return the five steps."""
    start = frame.view.carried(START)
    return (
        Step(
            "Say what your brand is",
            "Name, currency, time zone, and the margin by which revenue becomes profit.",
            f"{start}#brand",
            found.has_margin,
        ),
        Step(
            "Connect a shop, or send an order",
            "So that orders find the creators who brought them.",
            f"{start}#shop",
            found.is_connected,
        ),
        Step(
            "Make the first creator and link",
            "A name and the page that the link leads to.",
            f"{start}#link",
            found.link is not None,
        ),
        Step(
            "See your own click arrive",
            "Open the link; the click is here within seconds.",
            f"{start}#click",
            bool(found.clicks),
        ),
        Step(
            "Set the first goal",
            "What is to be reached, and by when.",
            f"{start}#goal",
            found.has_goal,
        ),
    )
