"""Random histories of a small workspace: shared devices, lost clicks, late adjustments, new owners.

Promise: a history is a function of its seed. It has few people, devices and codes, so joins and
collisions are frequent.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from shared.catalog import AnyCatalogRecord, Precedence
from shared.events import AnyEvent, Clicked, OrderAdjusted, Person, Quality, SourceKind
from shared.ids import MAIN_STORE
from tests.factories import NOON
from tests.integration.attribution.story import Story

CREATORS = ("mia", "tom", "zoe")
CODES = ("TEN", "SAVE")
# A second store has orders and customers with the same ids as the first.
STORES = (MAIN_STORE, MAIN_STORE, "outlet")


@dataclass
class RandomStory:
    """Random events of one workspace.

    Few visitors and customers soon form one component. With many of them most people stay apart, so
    a conversion is decided again only after an event that concerns it.
    """

    story: Story
    random: Random
    visitors: tuple[str, ...] = ("v1", "v2", "v3", "v4")
    customers: tuple[str, ...] = ("c1", "c2", "c3")
    emails: tuple[str, ...] = ("e1", "e2")
    orders: int = 8

    def moment(self) -> datetime:
        return NOON + timedelta(minutes=self.random.randrange(0, 60 * 24 * 40))

    def maybe(self, *names: str, odds: float = 0.5) -> str | None:
        return self.random.choice(names) if self.random.random() < odds else None

    def events(self, count: int) -> list[AnyEvent]:
        clicks: list[Clicked] = []
        for number in range(count // 3):
            clicks.append(self.a_click(number, clicks))
        rest = [self.an_event(number, clicks) for number in range(count - len(clicks))]
        # Some clicks are lost: only orders and visits may refer to them.
        kept: list[AnyEvent] = [click for click in clicks if self.random.random() < 0.85]
        return kept + rest

    def a_click(self, number: int, clicks: list[Clicked]) -> Clicked:
        """Return a click; some are of the visitor and the link of another one, seconds apart."""
        quality = (Quality.BOT,) if self.random.random() < 0.1 else ()
        of = self.random.choice(CREATORS)
        by = self.maybe(*self.visitors, odds=0.8)
        at = self.moment()
        again = Random(f"{number} {at}")
        if clicks and again.random() < 0.4:
            other = again.choice(clicks)
            of = next(name for name in CREATORS if self.story.ident("link", name) == other.link_id)
            by = other.person.visitor_id
            seconds = again.choice((-12, -10, -4, 0, 4, 10, 11))
            at = other.occurred_at + timedelta(seconds=seconds)
        return self.story.click(f"k{number}", of=of, by=by, at=at, quality=quality)

    def an_event(self, number: int, clicks: list[Clicked]) -> AnyEvent:
        match self.random.choices(
            ("order", "adjusted", "identified", "visited", "surveyed", "referred"),
            (6, 3, 2, 2, 2, 1),
        )[0]:
            case "order":
                return self.an_order(number, clicks)
            case "adjusted":
                return self.an_adjustment(number)
            case "identified":
                person = Person(
                    visitor_id=self.maybe(*self.visitors, odds=0.8),
                    customer_id=self.maybe(*self.customers, odds=0.7),
                    email_hash=self.maybe(*self.emails, odds=0.5),
                )
                source: SourceKind = self.random.choice(("secret", "secret", "public"))
                store = self.random.choice(STORES)
                return self.story.identified(f"i{number}", person, self.moment(), source, store)
            case "visited":
                visitor = self.random.choice(self.visitors)
                source = self.random.choice(("secret", "public", "public"))
                click = self.random.choice(clicks)
                return self.story.visited(visitor, click, self.moment(), source)
            case "surveyed":
                return self.an_answer(number)
            case _:
                by = self.random.choice(self.visitors[:2])
                return self.story.referred(self.random.choice(CODES), by=by, at=self.moment())

    def an_answer(self, number: int) -> AnyEvent:
        source: SourceKind = self.random.choice(("secret", "public"))
        return self.story.surveyed(
            f"a{number}",
            order=self.maybe(*(f"{n}" for n in range(self.orders)), odds=0.8),
            of=self.random.choice(CREATORS),
            by=self.maybe(*self.visitors),
            at=self.moment(),
            source=source,
            token=self.maybe("the token of the first", "the token of the second", odds=0.6),
        )

    def an_adjustment(self, number: int) -> OrderAdjusted:
        """Return an adjustment, often a further version of one that was told before."""
        return self.story.adjusted(
            f"r{number % 7}",
            of=f"{self.random.randrange(self.orders)}",
            kind=self.random.choice(("refund", "cancel", "chargeback")),
            amount=self.random.choice((None, 0, 100, 700, 9_000)),
            currency=self.random.choice(("EUR", "EUR", None, "USD")),
            at=self.moment(),
            source_id=self.random.choice(("s1", "s2", "shop")),
            version=self.random.randrange(3),
            pending=self.random.random() < 0.2,
            capped=self.random.random() < 0.5,
            same=f"/{number}",
            store=self.random.choice(STORES),
        )

    def an_order(self, number: int, clicks: list[Clicked]) -> AnyEvent:
        sources: tuple[SourceKind, ...] = ("webhook", "webhook", "secret", "public")
        return self.story.order(
            f"{self.random.randrange(self.orders)}",
            net=self.random.randrange(1, 10_000),
            at=self.moment(),
            visitor=self.maybe(*self.visitors),
            click=self.random.choice(clicks) if self.random.random() < 0.3 else None,
            customer=self.maybe(*self.customers, odds=0.6),
            email=self.maybe(*self.emails, odds=0.4),
            codes=tuple(code for code in CODES if self.random.random() < 0.2),
            source=self.random.choice(sources),
            source_id=f"s{self.random.randrange(3)}",
            version=number % 5,
            same=f"/{number}",
            tie_break=(self.random.randrange(3), self.random.randrange(4), number),
            cancelled=self.random.choice((None, None, False, True)),
            test=self.random.random() < 0.1,
            unpaid=self.random.random() < 0.2,
            history=self.random.random() < 0.2,
            token=self.maybe("the token of the first", "the token of the second", odds=0.6),
            store=self.random.choice(STORES),
        )

    def records(self) -> list[AnyCatalogRecord]:
        """Return first facts, then corrections with higher revisions, in the order of the log."""
        found = self.story.cast(*CREATORS)
        found += [self.story.code(code, of=self.random.choice(CREATORS)) for code in CODES]
        middle = self.moment()
        found.append(
            self.story.link(
                "mia",
                revision=2,
                owners=(self.story.led_to("mia", None, middle), self.story.led_to("tom", middle)),
            )
        )
        found.append(self.story.code("TEN", of="zoe", revision=2, since=self.moment()))
        found.append(
            self.story.policy(since=self.moment(), precedence=self.random.choice(list(Precedence)))
        )
        found.append(self.story.placement("zoe", revision=2, creator="tom"))
        return found
