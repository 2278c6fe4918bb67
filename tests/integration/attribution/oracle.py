"""The pure oracle: the core decides the whole history of a workspace at once, without a database.

Promise: the oracle shares with the service only the core and the decoding of single events. It has
no joins in SQL, no stored hubs, no scopes and no revisions.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC
from itertools import combinations

from services.attribution.domain.decide import decide_scope
from services.attribution.domain.model import (
    Adjustment,
    CatalogFacts,
    ConversionKey,
    ConversionVersion,
    Decision,
    Edge,
    Scope,
    Touch,
)
from services.attribution.domain.tallies import tally
from services.attribution.pipeline.catalog_cache import WorkspaceFacts
from services.attribution.tables import HUB_NEIGHBOURS
from services.attribution.wire.event_readings import Reading, conversion_evidence, read
from shared.catalog import AnyCatalogRecord
from shared.credits import Tally
from shared.events import AnyEvent, encode_event
from tests.integration.attribution.attribution_pipeline import Account


def facts_of(records: Iterable[AnyCatalogRecord]) -> CatalogFacts:
    """The newest record of each entity."""
    known = WorkspaceFacts()
    for record in sorted(records, key=lambda r: r.revision):
        known.apply(record)
    return known.facts


def evidence_of(workspace_id: str, events: Iterable[AnyEvent]) -> Scope:
    """Everything that the events of one workspace prove, each event once."""
    bodies = [encode_event(event) for event in events if event.workspace_id == workspace_id]
    readings = [read(body) for body in bodies]
    touches = {r.derived.touch_id: r.derived for r in readings if r.derived is not None}
    touches |= {r.event_id: r.touch for r in readings if r.touch is not None}
    facts = {
        reading.event_id: conversion_evidence(body)
        for reading, body in zip(readings, bodies, strict=True)
        if reading.own_key is not None
    }
    edges = {Edge(r.event_id, low, high) for r in readings for low, high in combinations(r.keys, 2)}
    return Scope(
        workspace_id=workspace_id,
        touches=tuple(touches.values()),
        edges=tuple(edges),
        versions=tuple(f for f in facts.values() if isinstance(f, ConversionVersion)),
        adjustments=tuple(f for f in facts.values() if isinstance(f, Adjustment)),
        hubs=_hubs(edges, _makers(readings, touches)),
    )


def _makers(readings: Iterable[Reading], touches: Mapping[str, Touch]) -> dict[bytes, bytes]:
    """Click key to the visitor who made the click, where the click itself is known."""
    named = {key: touches.get(touch_id) for reading in readings for key, touch_id in reading.clicks}
    return {
        key: touch.anon_key
        for key, touch in named.items()
        if touch is not None and touch.anon_key is not None and touch.anon_key != key
    }


def _hubs(edges: Iterable[Edge], makers: Mapping[bytes, bytes]) -> frozenset[bytes]:
    """Return the keys with too many neighbours.

    Neighbours share an event; a click stands for the visitor who made it.
    """
    neighbours: defaultdict[bytes, set[bytes]] = defaultdict(set)
    for edge in edges:
        for key, other in ((edge.key_a, edge.key_b), (edge.key_b, edge.key_a)):
            if not other.startswith(b"k"):
                neighbours[key].add(other)
            elif other in makers and makers[other] != key:
                neighbours[key].add(makers[other])
                neighbours[makers[other]].add(key)
    return frozenset(key for key, met in neighbours.items() if len(met) > HUB_NEIGHBOURS)


def decisions(
    workspace_id: str, events: Iterable[AnyEvent], records: Iterable[AnyCatalogRecord]
) -> dict[ConversionKey, Decision]:
    """How every conversion is credited."""
    return decide_scope(evidence_of(workspace_id, events), facts_of(records))


def net_ledger(
    workspace_id: str, events: Iterable[AnyEvent], records: Iterable[AnyCatalogRecord]
) -> Counter[Account]:
    """(order, model, account, currency) to minor units, zeros left out."""
    return net_of(decisions(workspace_id, events, records).values())


def net_of(decided: Iterable[Decision]) -> Counter[Account]:
    """What decisions come to in the ledger."""
    found: Counter[Account] = Counter()
    for decision in decided:
        for credit in decision.credits:
            account = (decision.key.natural_id, credit.model, credit.account, decision.currency)
            found[account] += credit.amount_minor
    return Counter({account: amount for account, amount in found.items() if amount})


def dated_net_of(decided: Iterable[Decision]) -> Counter[tuple[object, ...]]:
    """(basis of time, day in UTC, order, model, account, currency) to minor units, zeros left out.

    Each decision counts on the day of its own conversion or touch: no revision before it matters.
    """
    found: Counter[tuple[object, ...]] = Counter()
    for decision in decided:
        for credit in decision.credits:
            account = (decision.key.natural_id, credit.model, credit.account, decision.currency)
            for basis, moment in (
                ("conversion_time", decision.occurred_at),
                ("touch_time", credit.touched_at or decision.occurred_at),
            ):
                day = moment.astimezone(UTC).date()
                found[basis, day, *account] += credit.amount_minor
    return Counter({account: amount for account, amount in found.items() if amount})


def tallies(
    workspace_id: str, events: Iterable[AnyEvent], records: Iterable[AnyCatalogRecord]
) -> tuple[Tally, ...]:
    """How many touches each account got."""
    return tally(evidence_of(workspace_id, events).touches, facts_of(records))
