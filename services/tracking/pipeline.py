"""From a request to events in the journal: visits to short links, claims by key, webhook deliveries.

Promise: `Intake` answers only when its events are fsynced; `Visits` answers at once, whatever the disk and the log do.
An event is encoded once, here. What can go wrong: `Transient` when the journal takes nothing, which becomes a 503.
"""

import base64
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
from typing_extensions import override

from services.tracking.domain import intake
from services.tracking.domain.claims import (
    AdjustmentClaim,
    AnyClaim,
    Caller,
    ConversionClaim,
    Facts,
    Rejected,
)
from services.tracking.domain.deliveries import Adapter, Delivery
from services.tracking.domain.links import around_click, link_key
from services.tracking.domain.touches import touch
from services.tracking.domain.visits import Visit
from services.tracking.store.agents import Agents
from services.tracking.store.catalog import Catalog, Shop
from services.tracking.store.journal import Journal
from services.tracking.store.links import LinkFound
from services.tracking.wire.clicks import NOBODY, click, more_of, person
from shared.clock import Clock
from shared.errors import Transient
from shared.events import AnyEvent, Quality, Source, encode_event, event_type
from shared.http.auth import Principal
from shared.ids import ClickIdContents, ClickSigner, click_event_id, new_id
from shared.sealing import Sealer
from shared.telemetry import Metric, Telemetry, get_logger

_NONCE_BYTES: Final = 6
_VISITOR_BYTES: Final = 16
_CHANCE_BYTES: Final = 4_096
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)

_log = get_logger(__name__)


@dataclass(slots=True)
class Tally:
    """Outcomes of visits, counted here and moved to the metrics once in a while: a metric costs more than a redirect."""

    recorded: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)

    def count(self, outcome: str) -> None:
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1

    def report(self, telemetry: Telemetry) -> None:
        """Move the counts to the metrics."""
        outcomes, self.outcomes = self.outcomes, {}
        if self.recorded:
            outcomes["recorded"], self.recorded = self.recorded, 0
        for outcome, amount in outcomes.items():
            telemetry.count(Metric.REDIRECTS, amount, outcome=outcome)


class EdgeFacts(Facts):
    """The core's questions, answered from memory."""

    def __init__(
        self, catalog: Catalog, signer: ClickSigner, sealer: Sealer, agents: Agents
    ) -> None:
        self._catalog = catalog
        self._signer = signer
        self._sealer = sealer
        self._agents = agents

    @override
    def email_hash(self, workspace_id: str, email: str) -> str:
        return self._sealer.email_hash(workspace_id, email)

    @override
    def click(self, click_id: str) -> ClickIdContents | None:
        return self._signer.read(click_id)

    @override
    def link_workspace(self, link_id: str) -> str | None:
        return self._catalog.link_workspace(link_id)

    @override
    def link_id(self, workspace_id: str, code: str) -> str | None:
        key = link_key(code)
        return None if key is None else self._catalog.link_id(workspace_id, key)

    @override
    def agent_flags(self, user_agent: str) -> tuple[Quality, ...]:
        return self._agents.flags(user_agent)


# --- visits ----------------------------------------------------------------------------------------------


class Answer(msgspec.Struct, frozen=True, gc=False):
    """Where a visit goes, and the visitor id to leave with the browser (None without consent)."""

    location: bytes
    visitor_id: str | None


class Chance:
    """Random bytes, fetched by the thousand: a call of the kernel for each visit would cost more than signing its click id."""

    def __init__(self) -> None:
        self._bytes = b""
        self._next = 0

    def take(self, count: int) -> bytes:
        """Bytes that nobody took before."""
        start, self._next = self._next, self._next + count
        if self._next > len(self._bytes):
            self._bytes = os.urandom(_CHANCE_BYTES)
            start, self._next = 0, count
        return self._bytes[start : self._next]


class Visits:
    """Follows short links. Synchronous: nothing a visit needs is further away than memory."""

    def __init__(
        self,
        catalog: Catalog,
        journal: Journal,
        signer: ClickSigner,
        agents: Agents,
        clock: Clock,
    ) -> None:
        self.tally = Tally()
        self.catalog = catalog
        self._journal = journal
        self._signer = signer
        self._agents = agents
        self._clock = clock
        self._chance = Chance()
        self._millisecond = -1
        self._moment = ""

    def follow(self, link: LinkFound, visit: Visit) -> Answer:
        """Record the visit to a working link as far as the disk allows, and say where it goes."""
        # Cut to what a click id can say, so that a click rebuilt from an order is the same click.
        now = self._clock.now()
        millisecond = (now - _EPOCH) // _MILLISECOND
        if millisecond != self._millisecond:
            self._millisecond, self._moment = millisecond, milliseconds_text(now)
        flags = self._agents.flags(visit.user_agent)
        if visit.is_prefetch:
            flags = (*flags, Quality.PREFETCH)
        if visit.consent:
            chance = self._chance.take(_NONCE_BYTES + _VISITOR_BYTES)
            click_id = self._signer.make_ascii(link.link_id, millisecond, chance[:_NONCE_BYTES])
            visitor_id = visit.visitor_id or new_visitor_id(chance[_NONCE_BYTES:])
            before, after = around_click(link.destination)
            answer = Answer(before + click_id + after, visitor_id)
            click_text = click_id.decode()
            event_id = click_event_id(link.workspace_id, click_text)
            who = person(visitor_id, click_text)
        else:
            answer = Answer(link.destination, None)
            event_id, who = new_id(), NOBODY
        more = more_of(flags, visit.sub_source) if flags or visit.sub_source else ""
        event = click(event_id, link.workspace_id, link.link_id, self._moment, who, more)
        if self._journal.offer(event):
            self.tally.recorded += 1
        else:
            self.tally.count("unrecorded")
        return answer


def milliseconds_text(moment: datetime) -> str:
    """A UTC time as the log spells it, cut to milliseconds."""
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def new_visitor_id(chance: bytes) -> str:
    """22 characters for 16 random bytes."""
    return base64.urlsafe_b64encode(chance)[:22].decode()


# --- claims by key ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Delivered:
    """What became of a webhook delivery."""

    event_ids: tuple[str, ...] = ()
    rejected: Rejected | None = None


class Intake:
    """Claims that are answered only when they are durable."""

    def __init__(
        self, catalog: Catalog, journal: Journal, facts: Facts, clock: Clock, telemetry: Telemetry
    ) -> None:
        self.catalog = catalog
        self._journal = journal
        self._facts = facts
        self._clock = clock
        self._telemetry = telemetry
        self._counters: dict[tuple[str, str], Any] = {}

    def caller(self, principal: Principal, retry_key: str | None) -> Caller:
        """The holder of a key, now."""
        source = Source("public" if principal.public else "secret", principal.key_id)
        now = self._clock.now()
        return Caller(principal.workspace_id, source, source.kind, now, new_id(), retry_key)

    def judge(self, claim: AnyClaim, caller: Caller) -> AnyEvent | Rejected:
        """The event of a claim; nothing is written yet."""
        match claim:
            case ConversionClaim():
                return intake.conversion(claim, caller, self._facts)
            case AdjustmentClaim():
                return intake.adjustment(claim, caller)
            case _:
                return touch(claim, caller, self._facts)

    async def keep(self, events: Sequence[AnyEvent]) -> None:
        """Write the events and wait for their fsync. Raises `Transient`, and then none of them was acknowledged."""
        if not events:
            return
        try:
            await self._journal.put([encode_event(event) for event in events])
        except Transient:
            self._count(events, "refused")
            raise
        self._count(events, "accepted")

    def count_rejected(self, type_name: str) -> None:
        """One claim that its sender has to correct."""
        self._telemetry.count(Metric.INTAKE, type=type_name, outcome="rejected")

    def _count(self, events: Sequence[AnyEvent], outcome: str) -> None:
        if len(events) == 1:
            self._counter(event_type(events[0]), outcome).inc()
            return
        for type_name, amount in Counter(event_type(event) for event in events).items():
            self._counter(type_name, outcome).inc(amount)

    def _counter(self, type_name: str, outcome: str) -> Any:
        """Bound once: finding a metric by its labels costs five times what counting does."""
        counter = self._counters.get((type_name, outcome))
        if counter is None:
            counter = self._telemetry.bound(Metric.INTAKE, type=type_name, outcome=outcome)
            self._counters[type_name, outcome] = counter
        return counter

    async def deliver(self, adapter: Adapter, shop: Shop, delivery: Delivery) -> Delivered:
        """Take one delivery whose signature was right.

        What cannot be used is answered 200 as well: a shop would send the same bytes for hours and
        then drop the subscription. It is counted, logged with its fields' names, and said in the
        answer.
        """
        claims = adapter.read(delivery, self.catalog.currency(shop.workspace_id))
        if isinstance(claims, Rejected):
            _log.error(
                "delivery_unusable",
                vendor=adapter.name,
                connection=shop.connection_id,
                topic=claims.topic,
                fields=[f"{flaw.field}: {flaw.message}" for flaw in claims.flaws],
            )
            self._telemetry.count(Metric.INTAKE, type=adapter.name, outcome="unusable")
            return Delivered(rejected=claims)
        if not claims:
            self._telemetry.count(Metric.INTAKE, type=adapter.name, outcome="unused")
        now, source = delivery.received_at, Source("webhook", shop.connection_id)
        events = []
        for claim in claims:
            caller = Caller(shop.workspace_id, source, adapter.name, now, new_id())
            event = self.judge(claim, caller)
            assert not isinstance(event, Rejected)
            events.append(event)
        await self.keep(events)
        return Delivered(tuple(event.event_id for event in events))

    def arrived(self, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> Delivery:
        """A delivery that came now."""
        return Delivery(headers, body, self._clock.now())
