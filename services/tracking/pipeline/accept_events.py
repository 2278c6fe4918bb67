"""Turn claims and webhook deliveries into events, and store the events in the journal.

Promise: `Intake` answers only when its events are fsynced. An event is encoded once, here. What can
go wrong: `Transient` when the journal refuses events, or an e-mail cannot be hashed; it becomes a
503.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from typing_extensions import override

from services.tracking.domain.claimed_events import adjustment, conversion, in_store, notice
from services.tracking.domain.claims import (
    AdjustmentClaim,
    AnyClaim,
    Caller,
    ConversionClaim,
    Lookups,
    NoticeClaim,
    Rejected,
    Report,
    SocialClaim,
)
from services.tracking.domain.deliveries import Adapter, Delivery, Reading
from services.tracking.domain.past_orders import check_past_order
from services.tracking.domain.proofs import check_proof
from services.tracking.domain.short_links import link_key
from services.tracking.domain.social_reports import social_report
from services.tracking.domain.touches import touch
from services.tracking.store.catalog_memory import Catalog, WebhookConnection
from services.tracking.store.journal import Journal
from services.tracking.store.quotas import Quotas
from services.tracking.store.user_agents import Agents
from shared.clock import Clock
from shared.code_texts import CodeText, code_text
from shared.errors import Transient
from shared.events import AnyEvent, Quality, Source, encode_event, event_type
from shared.http.auth import Principal
from shared.ids import ClickIdContents, ClickSigner, new_id
from shared.sealing import KeyNotHanded, Sealer
from shared.telemetry import Metric, Telemetry, get_logger

_log = get_logger(__name__)

# The kinds of sources that are API keys.
_KEYS: Final = ("public", "secret")


class EmailKeyMissing(Transient):
    """This process has no e-mail key of the workspace, because it started without the database."""


class MemoryLookups(Lookups):
    """The lookups of the domain rules, answered from memory."""

    def __init__(
        self, catalog: Catalog, signer: ClickSigner, sealer: Sealer, agents: Agents
    ) -> None:
        self._catalog = catalog
        self._signer = signer
        self._sealer = sealer
        self._text_hash = sealer.text_hasher()
        self._text_sealer = sealer.text_sealer()
        self._token_hash = sealer.claim_token_hasher()
        self._identity = sealer.identity_secrets()
        self._agents = agents

    @override
    def email_hash(self, workspace_id: str, email: str) -> str:
        try:
            return self._sealer.email_hash(workspace_id, email)
        except KeyNotHanded:
            raise EmailKeyMissing(
                f"tracking was not handed the e-mail key of workspace {workspace_id}:"
                " start it again while the database answers"
            ) from None

    @override
    def text_hash(self, workspace_id: str, text: str) -> str:
        return self._text_hash(workspace_id, text)

    @override
    def is_code(self, workspace_id: str, code: CodeText) -> bool:
        return self._catalog.is_code(workspace_id, code)

    @override
    def claim_token_hash(self, workspace_id: str, token: str) -> str:
        return self._token_hash(workspace_id, token)

    @override
    def proves(self, workspace_id: str, customer_id: str, proof: str) -> bool:
        return self._identity.proves(workspace_id, customer_id, proof)

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
    def named_placement(self, workspace_id: str, words: str) -> str | None:
        return self._catalog.named_placement(workspace_id, words)

    @override
    def sealed(self, workspace_id: str, text: str) -> str:
        return self._text_sealer.seal(workspace_id, text)

    @override
    def store(self, workspace_id: str, named: str) -> str | None:
        return self._catalog.store(workspace_id, named)

    @override
    def has_several_stores(self, workspace_id: str) -> bool:
        return self._catalog.has_several_stores(workspace_id)

    @override
    def agent_flags(self, user_agent: str) -> tuple[Quality, ...]:
        return self._agents.flags(user_agent)


@dataclass(frozen=True, slots=True)
class DeliveryResult:
    """The result of a webhook delivery: the ids of its events, or why it was rejected."""

    event_ids: tuple[str, ...] = ()
    rejected: Rejected | None = None


class Intake:
    """Turns claims into events and stores them; returns after their fsync."""

    def __init__(
        self,
        catalog: Catalog,
        journal: Journal,
        lookups: Lookups,
        quotas: Quotas,
        clock: Clock,
        telemetry: Telemetry,
    ) -> None:
        self.catalog = catalog
        self.quotas = quotas
        self._journal = journal
        self._lookups = lookups
        self._clock = clock
        self._telemetry = telemetry
        self._counters: dict[tuple[str, str], Any] = {}

    def caller(self, principal: Principal, retry_key: str | None) -> Caller:
        """Return the caller that an API key names, with the time of arrival (now)."""
        source = Source("public" if principal.public else "secret", principal.key_id)
        now = self._clock.now()
        return Caller(principal.workspace_id, source, source.kind, now, new_id(), retry_key)

    def to_event(self, claim: Report, caller: Caller) -> AnyEvent | Rejected:
        """Return the event of a claim, or the reasons against it. Nothing is written yet."""
        if isinstance(claim, SocialClaim):
            return social_report(claim, caller, self._lookups)
        placed = in_store(claim, caller, self._lookups)
        if isinstance(placed, Rejected):
            return placed
        refused = check_past_order(claim, placed) or check_proof(claim, placed, self._lookups)
        return refused or self._event(claim, placed)

    def _event(self, claim: AnyClaim, caller: Caller) -> AnyEvent | Rejected:
        match claim:
            case ConversionClaim():
                return conversion(claim, caller, self._lookups)
            case AdjustmentClaim():
                return adjustment(claim, caller, self._lookups)
            case NoticeClaim():
                return notice(claim, caller, self._lookups)
            case _:
                return touch(claim, caller, self._lookups)

    async def store(self, events: Sequence[AnyEvent]) -> None:
        """Write events of one source and wait for their fsync.

        After `Transient`, none is acknowledged.
        """
        if not events:
            return
        source = events[0].source
        key_id = source.id if source.kind in _KEYS else None
        try:
            await self._journal.put([encode_event(event) for event in events], key_id)
        except Transient:
            self._count(events, "refused")
            raise
        self._count(events, "accepted")

    def count_rejected(self, type_name: str) -> None:
        """Count one claim that its sender has to correct."""
        self._telemetry.count(Metric.INTAKE, type=type_name, outcome="rejected")

    def _count(self, events: Sequence[AnyEvent], outcome: str) -> None:
        if len(events) == 1:
            self._counter(event_type(events[0]), outcome).inc()
            return
        for type_name, amount in Counter(event_type(event) for event in events).items():
            self._counter(type_name, outcome).inc(amount)

    def _counter(self, type_name: str, outcome: str) -> Any:
        # To find a metric by its labels costs five times what counting costs, so it is kept.
        counter = self._counters.get((type_name, outcome))
        if counter is None:
            counter = self._telemetry.bound(Metric.INTAKE, type=type_name, outcome=outcome)
            self._counters[type_name, outcome] = counter
        return counter

    async def deliver(
        self, adapter: Adapter, connection: WebhookConnection, delivery: Delivery
    ) -> DeliveryResult:
        """Store the events of one delivery whose signature was right.

        A delivery that cannot be used is answered 200, too. After an error, a shop would send the
        same bytes for hours and then end its subscription. The delivery is counted, logged with
        the names of its wrong fields, and reported in the answer. A message may hold a text of the
        body, so no message is logged.
        """
        read = self.read(adapter, connection, delivery)
        if isinstance(read, Rejected):
            _log.error(
                "delivery_unusable",
                vendor=adapter.name,
                connection=connection.connection_id,
                topic=read.topic,
                fields=[flaw.field for flaw in read.flaws],
            )
            self._telemetry.count(Metric.INTAKE, type=adapter.name, outcome="unusable")
            return DeliveryResult(rejected=read)
        if all(isinstance(claim, NoticeClaim) and claim.task is None for claim in read.claims):
            self._telemetry.count(Metric.INTAKE, type=adapter.name, outcome="unused")
        await self.store(read.events)
        return DeliveryResult(tuple(event.event_id for event in read.events))

    def read(
        self, adapter: Adapter, connection: WebhookConnection, delivery: Delivery
    ) -> Reading | Rejected:
        """Return the claims of one delivery and their events; nothing is written or counted."""
        claims = adapter.read(delivery, self.catalog.currency(connection.workspace_id))
        if isinstance(claims, Rejected):
            return claims
        now, source = delivery.received_at, Source("webhook", connection.connection_id)
        events = []
        for claim in claims:
            caller = Caller(
                connection.workspace_id,
                source,
                adapter.name,
                now,
                new_id(),
                store=connection.store,
            )
            event = self._event(claim, caller)
            # Only touches are rejected, and an adapter gives none.
            assert not isinstance(event, Rejected)
            events.append(event)
        return Reading(claims, tuple(events))

    def unknown_codes(self, workspace_id: str, events: Iterable[AnyEvent]) -> frozenset[str]:
        """Return the codes of events that are none of the workspace's."""
        codes = {code for event in events for code in getattr(event, "codes", ())}
        return frozenset(
            code for code in codes if not self._lookups.is_code(workspace_id, code_text(code))
        )

    def delivery(self, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> Delivery:
        """Return a delivery that arrived now."""
        return Delivery(headers, body, self._clock.now())
