"""Record a visit to a short link as a `clicked` event, and say where the visitor is redirected.

Promise: `ClickRecorder` returns at once, whatever the disk and the log do. What can go wrong: the
journal refuses the event; the visit is then redirected and counted as `unrecorded`.
"""

import base64
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from services.tracking.domain.short_links import around_click
from services.tracking.domain.visits import Visit
from services.tracking.store.catalog_memory import Catalog
from services.tracking.store.journal import Journal
from services.tracking.store.link_table import LinkFound
from services.tracking.store.user_agents import Agents
from services.tracking.wire.click_json import NOBODY, click, optional_fields, person
from shared.clock import Clock
from shared.events import Quality
from shared.ids import ClickSigner, click_event_id, new_id
from shared.telemetry import Metric, Telemetry

_NONCE_BYTES: Final = 6
_VISITOR_BYTES: Final = 16
_CHANCE_BYTES: Final = 4_096
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


@dataclass(slots=True)
class RedirectCounts:
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


class Answer(msgspec.Struct, frozen=True, gc=False):
    """Where a visit goes, and the visitor id to leave with the browser (None without consent)."""

    location: bytes
    visitor_id: str | None


class RandomBytes:
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


class ClickRecorder:
    """Follows short links. Synchronous: nothing a visit needs is further away than memory."""

    def __init__(
        self,
        catalog: Catalog,
        journal: Journal,
        signer: ClickSigner,
        agents: Agents,
        clock: Clock,
    ) -> None:
        self.tally = RedirectCounts()
        self.catalog = catalog
        self._journal = journal
        self._signer = signer
        self._agents = agents
        self._clock = clock
        self._chance = RandomBytes()
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
        more = optional_fields(flags, visit.sub_source) if flags or visit.sub_source else ""
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
