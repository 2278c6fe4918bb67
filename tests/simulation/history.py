"""What happens in a simulated world: the events that tracking journals, the catalog's records, and records that no service can use.

Promise: a history is a function of its seed and its workspaces. Deliveries repeat, come in any order and may carry other flags, as
retries of shops and pages do; some ids come back with another payload, and some records are poison.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Final

import msgspec

from shared.catalog import AnyCatalogRecord, catalog_key, encode_catalog
from shared.events import AnyEvent, Ordered, Person, Quality, encode_event, event_headers
from shared.log.port import Record
from tests.factories import NOON
from tests.integration.attribution.chance import Chance
from tests.integration.attribution.story import Story

EVENTS_A_WORLD: Final = 110
# One more person than a hub has neighbours, so that in some worlds a key stops joining.
HUB_PEOPLE: Final = 53
# More than any column of the ledger holds: it decodes, and no database takes it.
UNUSABLE_MINOR: Final = 2**63


@dataclass
class History:
    """One seed's world. `deliveries` are the journals of the tracking processes, in the order in which they will be relayed."""

    deliveries: list[list[Record]] = field(default_factory=list)
    catalog: list[Record] = field(default_factory=list)
    unusable: set[str] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)
    is_ordered: bool = False
    """No older catalog record comes after a newer one of its entity: only then may the log compact."""


def write_history(random: Random, workspaces: Sequence[str], journals: int) -> History:
    """Everything that will be told."""
    history = History(deliveries=[[] for _ in range(journals)])
    records: list[AnyCatalogRecord] = []
    told: list[Record] = []
    for workspace in workspaces:
        world = _world(random, Story(workspace), history)
        events = world.events(EVENTS_A_WORLD // len(workspaces))
        if random.random() < 0.15:
            events += _hub(world)
            history.counts["hubs"] += 1
        events += _unusable(random, world.story, history)
        told += [_record(event) for event in events for _ in range(random.choice((1, 1, 1, 1, 2)))]
        told += [_record(_again(random, event)) for event in random.sample(events, 6)]
        told += _conflicts(random, events)
        records += world.records()
    told += _garbage(random, workspaces)
    _spread(random, told, history)
    history.is_ordered = random.random() < 0.4
    if not history.is_ordered:
        history.counts["stirred catalogs"] += 1
        _stir(random, records)
    history.catalog = [Record(catalog_key(r), encode_catalog(r)) for r in records]
    if random.random() < 0.3:
        history.counts["unreadable catalog records"] += 1
        history.catalog.insert(
            random.randrange(len(history.catalog)),
            Record(f"{workspaces[0]}/unicorn".encode(), b'{"entity":"unicorn"}'),
        )
    return history


def _world(random: Random, story: Story, history: History) -> Chance:
    """A crowd in which everybody meets, or people who mostly are alone."""
    if random.random() < 0.4:
        return Chance(story, random)
    history.counts["sparse worlds"] += 1
    people = range(1, random.choice((8, 24, 72)) + 1)
    return Chance(
        story,
        random,
        visitors=tuple(f"v{number}" for number in people),
        customers=tuple(f"c{number}" for number in people),
        emails=tuple(f"e{number}" for number in people),
        orders=len(people),
    )


def _record(event: AnyEvent) -> Record:
    """What tracking's relay appends for an event."""
    return Record(event.workspace_id.encode(), encode_event(event), event_headers(event))


def _again(random: Random, event: AnyEvent) -> AnyEvent:
    """The same event by another delivery: later, and perhaps seen with another suspicion."""
    later = event.received_at + timedelta(seconds=random.randrange(1, 90_000))
    quality = random.choice((event.quality, (), (Quality.PREFETCH,)))
    return msgspec.structs.replace(event, received_at=later, quality=quality)


def _conflicts(random: Random, events: Sequence[AnyEvent]) -> list[Record]:
    """Another payload under a known id."""
    orders = [event for event in events if isinstance(event, Ordered)]
    picked = random.sample(orders, min(2, len(orders)))
    return [
        _record(msgspec.structs.replace(event, net_minor=event.net_minor + 1))
        for event in picked
        if event.net_minor is not None and event.net_minor < UNUSABLE_MINOR
    ]


def _unusable(random: Random, story: Story, history: History) -> list[AnyEvent]:
    """Orders that decode and can be stored nowhere."""
    found: list[AnyEvent] = [
        story.order(f"monster {number}", net=UNUSABLE_MINOR, customer=random.choice(("c1", None)))
        for number in range(random.choice((0, 0, 0, 1)))
    ]
    history.unusable |= {event.event_id for event in found}
    return found


def _hub(world: Chance) -> list[AnyEvent]:
    """A shop's own terminal: one device on which everybody signs in, and an order that leaves it without a customer."""
    click = world.story.click("terminal", by="v1", at=NOON)
    order = world.story.order("terminal", visitor="v1", at=NOON + timedelta(days=1))
    return [
        click,
        order,
        *(
            world.story.identified(
                f"terminal {number}", Person(visitor_id="v1", customer_id=f"guest {number}"), NOON
            )
            for number in range(HUB_PEOPLE)
        ),
    ]


def _garbage(random: Random, workspaces: Sequence[str]) -> list[Record]:
    """Bytes that are no events, under keys that may name nobody."""
    values = (b"", b"{", b"\xff\xfe", b'{"type":"unicorn","v":1}', b"[" * 5_000)
    keys = (b"", b"nobody", *(name.encode() for name in workspaces))
    return [
        Record(random.choice(keys), random.choice(values))
        for _ in range(random.choice((0, 1, 2, 4)))
    ]


def _spread(random: Random, told: list[Record], history: History) -> None:
    """Deal the deliveries out to the journals, in any order."""
    random.shuffle(told)
    for record in told:
        random.choice(history.deliveries).append(record)


def _stir(random: Random, records: list[AnyCatalogRecord]) -> None:
    """Let some records come late, also after newer ones of their entity, and some twice."""
    for _ in range(random.choice((0, 2, 6))):
        moved = records.pop(random.randrange(len(records)))
        records.insert(random.randrange(len(records) + 1), moved)
    records += random.sample(records, 3)
