"""A stream of events for the bench: visitors click links, and a share of the events are orders.

Promise: the same seed gives the same bytes. There is one workspace per partition, so two processes
can share the work. 40 % of the orders have their click id and 20 % a discount code; every order has
the visitor, a customer id and an e-mail hash.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from shared.catalog import (
    AnyCatalogRecord,
    Code,
    CodePeriod,
    Creator,
    Link,
    LinkPeriod,
    Placement,
    Workspace,
)
from shared.events import AnyEvent, Clicked, ClickRef, Ordered, Person, Source
from shared.ids import ClickSigner, automatic_placement_id, click_event_id, natural_id
from shared.log.partition import partition_of
from shared.log.topics import EVENTS

BEGIN: Final = datetime(2026, 10, 1, tzinfo=UTC)
SPAN_SECONDS: Final = 30 * 24 * 60 * 60
CREATORS: Final = 100
VISITS_A_VISITOR: Final = 3
EDGE: Final = Source("edge", "redirect")
SHOP: Final = Source("webhook", "shop")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class Traffic:
    """A number of events, of which `order_percent` are orders."""

    events: int
    order_percent: float
    seed: int = 7
    signer: ClickSigner = field(default_factory=lambda: ClickSigner(b"k" * 32))

    def __post_init__(self) -> None:
        self.workspaces = _one_a_partition()

    @property
    def orders(self) -> int:
        """The number of orders."""
        return round(self.events * self.order_percent / 100)

    def catalog(self) -> Iterator[AnyCatalogRecord]:
        """Yield every workspace with its creators, each with one placement, link and code."""
        for workspace_id in self.workspaces:
            common: dict[str, Any] = {
                "workspace_id": workspace_id,
                "revision": 1,
                "recorded_at": BEGIN - timedelta(days=1),
            }
            yield Workspace(
                id=workspace_id, name="brand", time_zone="UTC", currency="EUR", **common
            )
            for number in range(CREATORS):
                yield from _creator(workspace_id, number, common)

    def stream(self) -> Iterator[AnyEvent]:
        """Yield the events in order of time."""
        chance = random.Random(self.seed)
        step = SPAN_SECONDS / self.events
        every = self.events / self.orders if self.orders else 0.0
        made = 0
        recent: dict[str, list[Clicked]] = {name: [] for name in self.workspaces}
        visitors = max(10, self.events // VISITS_A_VISITOR // len(self.workspaces))
        for number in range(self.events):
            workspace_id = self.workspaces[chance.randrange(len(self.workspaces))]
            moment = BEGIN + timedelta(milliseconds=int(number * step * 1_000))
            clicks = recent[workspace_id]
            if made < self.orders and clicks and number >= made * every:
                made += 1
                click = clicks[chance.randrange(len(clicks))]
                yield _order(click, made, moment, chance)
            else:
                visitor = f"visitor-{chance.randrange(visitors)}"
                event = self.click(
                    workspace_id, visitor, chance.randrange(CREATORS), moment, chance
                )
                clicks.append(event)
                if len(clicks) > 2_000:
                    del clicks[:1_000]
                yield event

    def click(
        self, workspace_id: str, visitor: str, link: int, moment: datetime, chance: random.Random
    ) -> Clicked:
        """Return a click on a link."""
        link_id = ident("link", f"{workspace_id}/{link}")
        at_ms = (moment - _EPOCH) // timedelta(milliseconds=1)
        raw = bytes.fromhex(link_id.replace("-", ""))
        click_id = self.signer.make(raw, at_ms, chance.randbytes(6))
        return Clicked(
            event_id=click_event_id(workspace_id, click_id),
            workspace_id=workspace_id,
            occurred_at=moment,
            received_at=moment,
            source=EDGE,
            person=Person(visitor, click_id),
            link_id=link_id,
        )


def order(workspace_id: str, name: str, moment: datetime, person: Person, **fields: Any) -> Ordered:
    """Return a purchase of 49.90 EUR as a shop reports it."""
    return Ordered(
        event_id=natural_id(workspace_id, "shop", "ordered", name),
        workspace_id=workspace_id,
        occurred_at=moment,
        received_at=moment,
        source=SHOP,
        person=person,
        natural_id=name,
        net_minor=4_990,
        currency="EUR",
        version=(moment - _EPOCH) // timedelta(microseconds=1),
        **fields,
    )


def ident(kind: str, name: str) -> str:
    """Return the id of a named thing of the bench."""
    return natural_id("bench", "traffic", kind, name)


def _order(click: Clicked, number: int, moment: datetime, chance: random.Random) -> Ordered:
    person = click.person
    visitor = person.visitor_id
    carries_click = chance.random() < 0.4
    codes = (f"CODE{chance.randrange(CREATORS)}",) if chance.random() < 0.2 else ()
    return order(
        click.workspace_id,
        f"order-{number}",
        moment,
        Person(
            visitor,
            person.click_id if carries_click else None,
            f"customer-{visitor}",
            f"hash-{visitor}",
        ),
        codes=codes,
        click=ClickRef(click.link_id, click.occurred_at) if carries_click else None,
    )


def _creator(workspace_id: str, number: int, common: dict[str, Any]) -> Iterator[AnyCatalogRecord]:
    name = f"{workspace_id}/{number}"
    creator_id = ident("creator", name)
    placement_id = ident("placement", name)
    automatic_id = automatic_placement_id(workspace_id, creator_id)
    owned: dict[str, Any] = {"creator_id": creator_id, "platform": "instagram"}
    yield Creator(
        id=creator_id, name=f"creator {number}", automatic_placement_id=automatic_id, **common
    )
    yield Placement(id=automatic_id, automatic=True, **owned, **common)
    yield Placement(id=placement_id, **owned, **common)
    yield Link(
        id=ident("link", name),
        code=f"{workspace_id[:8]}-{number}",
        destination="https://shop.example/p",
        periods=(LinkPeriod(placement_id=placement_id),),
        **common,
    )
    yield Code(
        id=ident("code", name),
        code=f"CODE{number}",
        periods=(CodePeriod(creator_id=creator_id, placement_id=placement_id),),
        **common,
    )


def _one_a_partition() -> list[str]:
    """Return one workspace id for each partition of the events topic."""
    found: dict[int, str] = {}
    number = 0
    while len(found) < EVENTS.partitions:
        workspace_id = ident("workspace", str(number))
        found.setdefault(partition_of(workspace_id.encode(), EVENTS.partitions), workspace_id)
        number += 1
    return [found[partition] for partition in sorted(found)]
