"""The input of a simulation: events in tracking's journals, catalog records, unusable records.

Promise: a history depends only on its seed and its workspaces. Deliveries repeat, come in any
order and may carry other flags, as retries of shops and pages do. Some ids come again with another
payload, and some records cannot be processed.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Final

import msgspec

from shared.catalog import AnyCatalogRecord, catalog_key, encode_catalog
from shared.event_headers import event_headers
from shared.events import AnyEvent, Ordered, Person, Quality, encode_event
from shared.log.port import Record
from tests.factories import NOON
from tests.integration.attribution.random_story import RandomStory
from tests.integration.attribution.story import Story

EVENTS_PER_SEED: Final = 110
# One more person than the limit of neighbours of a key, so that the key becomes a hub.
HUB_PEOPLE: Final = 53
# It decodes, and it is too large for a bigint column.
UNUSABLE_MINOR: Final = 2**63


@dataclass
class History:
    """The input of one seed. `deliveries`: each tracking process's journal, in order."""

    deliveries: list[list[Record]] = field(default_factory=list)
    catalog: list[Record] = field(default_factory=list)
    unusable: set[str] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)
    is_ordered: bool = False
    """No older record follows a newer one of its entity. Only then may the log compact."""


def write_history(random: Random, workspaces: Sequence[str], journals: int) -> History:
    """Return the events and catalog records of a seed."""
    history = History(deliveries=[[] for _ in range(journals)])
    records: list[AnyCatalogRecord] = []
    told: list[Record] = []
    for workspace in workspaces:
        world = _world(random, Story(workspace), history)
        events = world.events(EVENTS_PER_SEED // len(workspaces))
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
        history.counts["shuffled catalogs"] += 1
        _shuffle_some(random, records)
    history.catalog = [Record(catalog_key(r), encode_catalog(r)) for r in records]
    if random.random() < 0.3:
        history.counts["unreadable catalog records"] += 1
        history.catalog.insert(
            random.randrange(len(history.catalog)),
            Record(f"{workspaces[0]}/unicorn".encode(), b'{"entity":"unicorn"}'),
        )
    return history


def _world(random: Random, story: Story, history: History) -> RandomStory:
    """Return a generator: few people with shared keys, or many people with few shared keys."""
    if random.random() < 0.4:
        return RandomStory(story, random)
    history.counts["sparse worlds"] += 1
    people = range(1, random.choice((8, 24, 72)) + 1)
    return RandomStory(
        story,
        random,
        visitors=tuple(f"v{number}" for number in people),
        customers=tuple(f"c{number}" for number in people),
        emails=tuple(f"e{number}" for number in people),
        orders=len(people),
    )


def _record(event: AnyEvent) -> Record:
    """Return the record that tracking's relay appends for an event."""
    return Record(event.workspace_id.encode(), encode_event(event), event_headers(event))


def _again(random: Random, event: AnyEvent) -> AnyEvent:
    """Return the event as delivered again: received later, perhaps with another quality flag."""
    later = event.received_at + timedelta(seconds=random.randrange(1, 90_000))
    quality = random.choice((event.quality, (), (Quality.PREFETCH,)))
    return msgspec.structs.replace(event, received_at=later, quality=quality)


def _conflicts(random: Random, events: Sequence[AnyEvent]) -> list[Record]:
    """Return records with another payload under a known event id."""
    orders = [event for event in events if isinstance(event, Ordered)]
    picked = random.sample(orders, min(2, len(orders)))
    return [
        _record(msgspec.structs.replace(event, net_minor=event.net_minor + 1))
        for event in picked
        if event.net_minor is not None and event.net_minor < UNUSABLE_MINOR
    ]


def _unusable(random: Random, story: Story, history: History) -> list[AnyEvent]:
    """Return orders that decode and that no database can store."""
    found: list[AnyEvent] = [
        story.order(f"too large {number}", net=UNUSABLE_MINOR, customer=random.choice(("c1", None)))
        for number in range(random.choice((0, 0, 0, 1)))
    ]
    history.unusable |= {event.event_id for event in found}
    return found


def _hub(world: RandomStory) -> list[AnyEvent]:
    """Return the events of a shop's own terminal: many sign-ins and an order without customer."""
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
    """Return records that are no events, also with keys that are no workspace."""
    values = (b"", b"{", b"\xff\xfe", b'{"type":"unicorn","v":1}', b"[" * 5_000)
    keys = (b"", b"nobody", *(name.encode() for name in workspaces))
    return [
        Record(random.choice(keys), random.choice(values))
        for _ in range(random.choice((0, 1, 2, 4)))
    ]


def _spread(random: Random, told: list[Record], history: History) -> None:
    """Distribute the deliveries to the journals, in random order."""
    random.shuffle(told)
    for record in told:
        random.choice(history.deliveries).append(record)


def _shuffle_some(random: Random, records: list[AnyCatalogRecord]) -> None:
    """Move some records to a random place and repeat some."""
    for _ in range(random.choice((0, 2, 6))):
        moved = records.pop(random.randrange(len(records)))
        records.insert(random.randrange(len(records) + 1), moved)
    records += random.sample(records, 3)
