"""A larger random history: many visitors, few buyers, shared devices, guests and a leaked click id.

Promise: a history is a function of its seed. Two histories use the same people, codes, orders and
links, each in its own workspace.
"""

from dataclasses import dataclass
from datetime import timedelta
from random import Random

from shared.catalog import AnyCatalogRecord
from shared.events import AnyEvent, Clicked, Person, SourceKind
from tests.factories import NOON
from tests.integration.attribution.random_story import CODES, CREATORS, RandomStory
from tests.integration.attribution.story import Story

PEOPLE = 150
STRANGERS = 600
# More than the hub limit, even without the events that a test sends late.
MET_BY_A_HUB = 64
LOYAL_ORDERS = 60


@dataclass
class LargeStory:
    """One workspace's customers and other visitors."""

    story: Story
    random: Random

    def __post_init__(self) -> None:
        self._random_story = RandomStory(self.story, self.random)

    def events(self, clicks: int, orders: int) -> list[AnyEvent]:
        """Return all events in random order."""
        clicked = [self.a_click(number) for number in range(clicks)]
        happened: list[AnyEvent] = [*clicked, *self.joined_too_often(clicked[0])]
        for number in range(orders):
            happened += self.a_sale(number, clicked)
        for number in range(LOYAL_ORDERS):
            happened += self.a_loyal_sale(number)
        self.random.shuffle(happened)
        return happened

    def a_click(self, number: int) -> Clicked:
        owns_devices = self.random.random() < 0.4
        return self.story.click(
            f"k{number}",
            of=self.random.choice(CREATORS),
            by=self.a_device(number % PEOPLE)
            if owns_devices
            else f"s{self.random.randrange(STRANGERS)}",
            at=self._random_story.moment(),
        )

    def a_device(self, person: int) -> str:
        """Return one of the person's two devices, or rarely another person's."""
        owner = self.random.randrange(PEOPLE) if self.random.random() < 0.01 else person
        return f"{self.random.choice('vw')}{owner}"

    def a_sale(self, number: int, clicked: list[Clicked]) -> list[AnyEvent]:
        """Return an order, sometimes with earlier or later events."""
        person = self.random.randrange(PEOPLE)
        device = self.a_device(person)
        sources: tuple[SourceKind, ...] = ("webhook", "webhook", "secret", "public")
        token = self._random_story.maybe(f"the token of order {number}")
        customer = self._random_story.maybe(f"c{person}", odds=0.7)
        sold: list[AnyEvent] = [
            self.story.order(
                f"{number}",
                net=self.random.randrange(1, 10_000),
                at=self._random_story.moment(),
                visitor=device,
                click=self.random.choice(clicked[person::PEOPLE])
                if self.random.random() < 0.6
                else None,
                customer=customer,
                email=self._random_story.maybe(f"e{person}", odds=0.6),
                codes=tuple(code for code in CODES if self.random.random() < 0.2),
                source=self.random.choice(sources),
                token=token,
            )
        ]
        if token is not None:
            landed = self.random.choice(clicked)
            page = f"p{person}"
            claim = self.story.order(
                f"{number}", visitor=page, click=landed, token=token, source="public", same="claim"
            )
            sold += [claim, self.story.visited(page, landed)]
        if customer and self.random.random() < 0.3:
            known = Person(visitor_id=device, customer_id=customer)
            sold.append(self.story.identified(f"i{number}", known, self._random_story.moment()))
        if self.random.random() < 0.2:
            sold.append(self.story.adjusted(of=f"{number}", amount=self.random.choice((None, 100))))
        if self.random.random() < 0.2:
            sold.append(
                self.story.referred(
                    self.random.choice(CODES), by=device, at=self._random_story.moment()
                )
            )
        return sold

    def a_loyal_sale(self, number: int) -> list[AnyEvent]:
        """Return a click and an order of the most frequent customer."""
        click = self.a_loyal_click(number)
        order = self.story.order(f"l{number}", at=click.occurred_at, click=click, customer="loyal")
        return [click, order]

    def a_loyal_click(self, day: int) -> Clicked:
        """Return that customer's click on a day; a negative day is before the first order."""
        return self.story.click(f"l{day}", by="loyal", at=NOON + timedelta(days=day))

    def joined_too_often(self, leaked: Clicked) -> list[AnyEvent]:
        """A guest account and a newsletter's click id, each with more visitors than the limit."""
        met: list[AnyEvent] = [
            self.story.visited(f"n{n}", leaked, source="secret") for n in range(MET_BY_A_HUB)
        ]
        for number in range(MET_BY_A_HUB):
            guest = Person(visitor_id=f"g{number}", email_hash="guest")
            met.append(self.story.identified(f"g{number}", guest, self._random_story.moment()))
        return met

    def chain(self, start: int, stop: int) -> list[AnyEvent]:
        """Links of a chain of devices and customers that ends beyond the bounds of a person."""
        return [
            self.story.identified(
                f"chain{n}", Person(visitor_id=f"x{n // 2}", customer_id=f"x{(n + 1) // 2}")
            )
            for n in range(start, stop)
        ]

    def terminal(self, start: int, stop: int) -> list[AnyEvent]:
        """Sign-ins at one terminal."""
        return [
            self.story.identified(f"t{n}", Person(visitor_id="terminal", email_hash=f"t{n}"))
            for n in range(start, stop)
        ]

    def records(self) -> list[AnyCatalogRecord]:
        """Return first facts, then their corrections."""
        return self._random_story.records()
