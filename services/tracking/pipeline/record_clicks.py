"""Record a visit to a short link as a `clicked` event, and say where the visitor is redirected.

Promise: `ClickRecorder` returns at once, whatever the disk and the log do. Without consent, nothing
that could identify the visitor is in the event or in the answer.
What can go wrong: the journal refuses the event. The visit is still redirected and is counted as
`unrecorded`.
"""

import os
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

import msgspec

from services.tracking.domain.short_links import around_click
from services.tracking.domain.stored_fields import stored_place
from services.tracking.domain.visits import Visit
from services.tracking.store.catalog_memory import Catalog
from services.tracking.store.journal import Journal
from services.tracking.store.link_table import LinkFound
from services.tracking.store.user_agents import Agents
from services.tracking.wire.click_json import NO_CONSENT, click, optional_fields, person
from shared.clock import Clock
from shared.events import Quality
from shared.ids import ClickSigner, base64url, click_event_id, new_id
from shared.sealing import TextHasher
from shared.telemetry import Metric, Telemetry

_NONCE_BYTES: Final = 6
_VISITOR_BYTES: Final = 16
_CHANCE_BYTES: Final = 4_096
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


@dataclass(slots=True)
class RedirectCounts:
    """Outcomes of visits, moved to the metrics once a second.

    To count one metric costs more than a redirect.
    """

    recorded: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)

    def count(self, outcome: str) -> None:
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1

    def report(self, telemetry: Telemetry) -> None:
        """Add the counts to the metrics, and begin again at zero."""
        outcomes, self.outcomes = self.outcomes, {}
        if self.recorded:
            outcomes["recorded"], self.recorded = self.recorded, 0
        for outcome, amount in outcomes.items():
            telemetry.count(Metric.REDIRECTS, amount, outcome=outcome)


class RedirectTarget(msgspec.Struct, frozen=True, gc=False):
    """The target of a redirect, and the visitor id for the cookie (None without consent)."""

    location: bytes
    visitor_id: str | None


class RandomBytes:
    """Random bytes, fetched from the kernel 4,096 at a time.

    One kernel call for each visit would cost more than to sign its click id.
    """

    def __init__(self) -> None:
        self._bytes = b""
        self._next = 0

    def take(self, count: int) -> bytes:
        """Return `count` bytes that were not returned before."""
        start, self._next = self._next, self._next + count
        if self._next > len(self._bytes):
            self._bytes = os.urandom(_CHANCE_BYTES)
            start, self._next = 0, count
        return self._bytes[start : self._next]


class MillisecondTexts:
    """Writes UTC times as events spell them, with milliseconds.

    The text of the last second is kept: to format a whole time costs five times as much.
    """

    def __init__(self) -> None:
        self._second = -1
        self._text = ""

    def of(self, millisecond: int) -> str:
        """Return the text of a number of milliseconds since 1970."""
        second, rest = divmod(millisecond, 1_000)
        if second != self._second:
            moment = _EPOCH + timedelta(seconds=second)
            self._second, self._text = second, moment.isoformat().removesuffix("+00:00")
        return f"{self._text}.{rest:03d}Z"


class ClickRecorder:
    """Records visits. Synchronous, because everything that a visit needs is in memory."""

    def __init__(
        self,
        catalog: Catalog,
        journal: Journal,
        signer: ClickSigner,
        agents: Agents,
        clock: Clock,
        text_hash: TextHasher,
    ) -> None:
        self.counts = RedirectCounts()
        self.catalog = catalog
        self._journal = journal
        self._signer = signer
        self._agents = agents
        self._clock = clock
        self._text_hash = text_hash
        self._chance = RandomBytes()
        self._texts = MillisecondTexts()

    def record(self, link: LinkFound, visit: Visit) -> RedirectTarget:
        """Offer the click on a working link to the journal, and return the redirect target."""
        # A click id holds milliseconds. The event has the same precision, so that a click rebuilt
        # from the click id of an order is the same click.
        now = self._clock.now()
        millisecond = (now - _EPOCH) // _MILLISECOND
        flags = self._agents.flags(visit.user_agent)
        if visit.is_prefetch:
            flags = (*flags, Quality.PREFETCH)
        if visit.consent:
            chance = self._chance.take(_NONCE_BYTES + _VISITOR_BYTES)
            click_id = self._signer.make_ascii(link.link_id, millisecond, chance[:_NONCE_BYTES])
            visitor_id = visit.visitor_id or new_visitor_id(chance[_NONCE_BYTES:])
            before, after = around_click(link.destination)
            answer = RedirectTarget(before + click_id + after, visitor_id)
            click_text = click_id.decode()
            event_id = click_event_id(link.workspace_id, click_text)
            who = person(visitor_id, click_text)
        else:
            answer = RedirectTarget(link.destination, None)
            event_id, who = new_id(), NO_CONSENT
        more = ""
        if flags or visit.sub_source:
            more = optional_fields(flags, self._place(link, visit.sub_source))
        event = click(
            event_id, link.workspace_id, link.link_id, self._texts.of(millisecond), who, more
        )
        if self._journal.offer(event):
            self.counts.recorded += 1
        else:
            self.counts.count("unrecorded")
        return answer

    def _place(self, link: LinkFound, sub_source: str | None) -> str | None:
        if sub_source is None:
            return None
        return stored_place(sub_source, partial(self._text_hash, link.workspace_id))


def new_visitor_id(chance: bytes) -> str:
    """Return 16 random bytes as 22 characters of base64url."""
    return base64url(chance)[:22].decode()
