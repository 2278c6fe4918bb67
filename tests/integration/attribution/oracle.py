"""The pure oracle: the core decides the whole history of a workspace at once, without a database.

Promise: the oracle shares with the service only the core and the decoding of single events. It has
no joins in SQL, no stored hubs, no scopes and no revisions.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from itertools import combinations, pairwise

from services.attribution.domain.components import components, is_dissolved
from services.attribution.domain.decide import decide_scope
from services.attribution.domain.model import (
    Adjustment,
    CatalogFacts,
    ConversionKey,
    ConversionVersion,
    Decision,
    Edge,
    Scope,
    SurveyAnswer,
    Touch,
    is_trusted_source,
)
from services.attribution.domain.netting import is_trusted
from services.attribution.domain.tallies import tally
from services.attribution.pipeline.catalog_cache import WorkspaceFacts
from services.attribution.tables import HUB_NEIGHBOURS
from services.attribution.wire.event_readings import Reading, conversion_evidence, own_key, read
from shared.catalog import AnyCatalogRecord
from shared.credits import Tally
from shared.events import AnyEvent, encode_event
from shared.ids import MAIN_STORE
from tests.integration.attribution.attribution_pipeline import Account


def facts_of(records: Iterable[AnyCatalogRecord]) -> CatalogFacts:
    """Return the newest record of each entity."""
    known = WorkspaceFacts()
    for record in sorted(records, key=lambda r: r.revision):
        known.apply(record)
    return known.facts


def evidence_of(workspace_id: str, events: Iterable[AnyEvent]) -> Scope:
    """Return all evidence of one workspace's events, each event once."""
    bodies = [encode_event(event) for event in events if event.workspace_id == workspace_id]
    readings = [read(body) for body in bodies]
    touches = {r.derived.touch_id: r.derived for r in readings if r.derived is not None}
    touches |= {r.event_id: r.touch for r in readings if r.touch is not None}
    facts = {
        reading.event_id: conversion_evidence(body)
        for reading, body in zip(readings, bodies, strict=True)
        if reading.own_key is not None
    }
    trusted = {
        Edge(r.event_id, low, high, r.edge_source)
        for r in readings
        for low, high in combinations(r.keys, 2)
    }
    told = {
        Edge(r.event_id, min(pair), max(pair), r.source_kind)
        for r in readings
        for pair in combinations(r.tied, 2)
    }
    hubs = _hubs(trusted, _makers(readings, touches))
    versions = tuple(f for f in facts.values() if isinstance(f, ConversionVersion))
    return Scope(
        workspace_id=workspace_id,
        touches=tuple(touches.values()),
        edges=(*trusted, *told),
        versions=versions,
        adjustments=tuple(f for f in facts.values() if isinstance(f, Adjustment)),
        answers=tuple(f for f in facts.values() if isinstance(f, SurveyAnswer)),
        hubs=hubs,
        alone=_alone(readings, versions, touches, hubs),
    )


def _alone(
    readings: Iterable[Reading],
    versions: Iterable[ConversionVersion],
    touches: Mapping[str, Touch],
    hubs: frozenset[bytes],
) -> frozenset[ConversionKey]:
    """Return the conversions of the components that are beyond their bounds."""
    pairs: set[tuple[bytes, bytes]] = set()
    named: set[tuple[bytes, str]] = set()
    for reading in readings:
        together = (*reading.keys, *((reading.own_key,) if reading.own_key else ()))
        pairs |= set(combinations(together, 2))
        if len(together) > 1 or reading.tied:
            named |= set(reading.clicks)
    for key, touch_id in named:
        touch = touches.get(touch_id)
        if touch is not None and touch.anon_key and is_trusted_source(touch.source_kind):
            pairs.add((key, touch.anon_key))
    claims = [r for r in readings if r.token and not is_trusted_source(r.source_kind)]
    proven = {(own_key(v.key), v.token) for v in versions if is_trusted(v) and v.token is not None}
    for own, token in proven:
        told = {key for claim in claims if claim.token == token for key in claim.tied}
        pairs |= {(own, key) for key in told if key[:1] in (b"v", b"k")}
    members = {key for pair in pairs for key in pair}
    found = components(members, pairs, hubs)
    return frozenset(
        version.key
        for version in versions
        if (group := found.get(own_key(version.key))) is not None
        and is_dissolved(sum(not _is_own(key) for key in group), sum(_is_own(key) for key in group))
    )


def _is_own(key: bytes) -> bool:
    return key.startswith(b"o")


def _makers(readings: Iterable[Reading], touches: Mapping[str, Touch]) -> dict[bytes, bytes]:
    """Return click key → visitor, for the clicks whose own trusted event exists."""
    named = {key: touches.get(touch_id) for reading in readings for key, touch_id in reading.clicks}
    return {
        key: touch.anon_key
        for key, touch in named.items()
        if touch is not None and is_trusted_source(touch.source_kind)
        if touch.anon_key is not None and touch.anon_key != key
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
    """Return the decision on every conversion."""
    return decide_scope(evidence_of(workspace_id, events), facts_of(records))


def net_ledger(
    workspace_id: str, events: Iterable[AnyEvent], records: Iterable[AnyCatalogRecord]
) -> Counter[Account]:
    """Return (order, model, account, currency) → minor units, without zeros."""
    return net_of(decisions(workspace_id, events, records).values())


def order_name(key: ConversionKey) -> str:
    """Return the natural id of a conversion, with its store unless that is `main`."""
    return key.natural_id if key.store == MAIN_STORE else f"{key.store}/{key.natural_id}"


def net_of(decided: Iterable[Decision]) -> Counter[Account]:
    """Return the net ledger of the decisions."""
    found: Counter[Account] = Counter()
    for decision in decided:
        for credit in decision.credits:
            account = (order_name(decision.key), credit.model, credit.account, decision.currency)
            found[account] += credit.amount_minor
    return Counter({account: amount for account, amount in found.items() if amount})


def dated_net_of(decided: Iterable[Decision]) -> Counter[tuple[object, ...]]:
    """(basis of time, day in UTC, order, model, account, currency) to minor units, zeros left out.

    Each decision counts on the day of its own conversion or touch: no revision before it matters.
    """
    found: Counter[tuple[object, ...]] = Counter()
    for decision in decided:
        for credit in decision.credits:
            account = (order_name(decision.key), credit.model, credit.account, decision.currency)
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
    """Return account → number of touches."""
    touches = evidence_of(workspace_id, events).touches
    return tally(touches, facts_of(records), repeats=repeat_clicks(touches))


def repeat_clicks(touches: Iterable[Touch]) -> set[str]:
    """Return the clicks that follow one of the same visitor on the same link within 10 seconds."""
    clicks: defaultdict[tuple[object, ...], list[tuple[datetime, str]]] = defaultdict(list)
    for touch in touches:
        is_of_a_visitor = touch.anon_key is not None and touch.anon_key.startswith(b"v")
        is_a_persons = not {"bot", "preview", "prefetch"}.intersection(touch.quality)
        if touch.kind == "click" and touch.link_id and is_of_a_visitor and is_a_persons:
            is_told_by_anybody = touch.source_kind in (None, "public")
            same = (touch.anon_key, touch.link_id, is_told_by_anybody)
            clicks[same].append((touch.occurred_at, touch.touch_id))
    return {
        touch_id
        for series in clicks.values()
        for (earlier, _), (later, touch_id) in pairwise(sorted(series))
        if (later - earlier).total_seconds() <= 10
    }
