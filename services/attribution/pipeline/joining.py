"""Join the keys of new events into components, and find the components to decide again.

Promise: a component only grows, and is only used as the scope of a recompute. It is made of trusted
evidence and of the keys of proven claims. A hub joins nothing. An untrusted tie joins nothing.
Every conversion whose decision could change is in the returned components. A late touch is matched
to the conversions after it by time.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import combinations
from typing import Any, Final

from services.attribution.domain.journey import CARRIED_CLICK_LATE_MINUTES
from services.attribution.domain.model import Edge, is_trusted_source
from services.attribution.domain.ties import tie_rows as tie_rows_of
from services.attribution.pipeline.dissolving import REASON_DISSOLVED, parted, split
from services.attribution.pipeline.record_faults import faults_of
from services.attribution.pipeline.storing import Intake
from services.attribution.store import (
    cut_rows,
    decision_rows,
    dissolved_rows,
    scope_queries,
    tie_rows,
)
from services.attribution.store import event_rows as rows
from services.attribution.store import identity_rows as store
from services.attribution.store.identity_rows import DISSOLVED, Alias, Keyed
from services.attribution.store.scope_queries import Component
from services.attribution.tables import HUB_NEIGHBOURS
from services.attribution.wire.event_readings import Reading

_CLICK: Final = b"k"
_OF_A_BROWSER: Final = (b"v", b"k")
_LATE: Final = timedelta(minutes=CARRIED_CLICK_LATE_MINUTES)

Pair = tuple[str, bytes, bytes]


@dataclass(slots=True)
class Evidence:
    """The keys of a batch, and how they are connected.

    `keys` need an alias, `edges` are stored, `pairs` are joined, `carried` pairs a key with its
    conversion, `clicks` has the touch of each click key, and `converted_at` the time of each
    conversion by one of its events. `ties` are untrusted; `tied` are their keys, each with one of
    its events, which need an alias so that late touches find them. `tokens` pairs a claim token
    with its conversion.
    """

    keys: set[Keyed] = field(default_factory=set)
    edges: list[tuple[str, Edge]] = field(default_factory=list)
    pairs: set[Pair] = field(default_factory=set)
    carried: set[Pair] = field(default_factory=set)
    clicks: dict[Keyed, str] = field(default_factory=dict)
    ties: set[Pair] = field(default_factory=set)
    tied: dict[Keyed, str] = field(default_factory=dict)
    tokens: set[Pair] = field(default_factory=set)
    converted_at: dict[Keyed, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Joined:
    """What to decide again, and how many keys became hubs.

    `alone` are conversions of dissolved components. `is_queued`: others of them wait in the queue.
    """

    components: set[Component]
    alone: set[Keyed]
    hubs: int
    is_queued: bool


async def join(
    conn: Any, intake: Intake, windows: Mapping[str, timedelta], now: datetime
) -> Joined:
    """Update aliases and components by a batch; `windows` has the widest lookback by workspace."""
    evidence = _evidence(intake)
    await rows.store_edges(conn, evidence.edges)
    # Before the new ties are stored: a key that now has too many loses those that it had.
    reached = await tie_rows.tied_keys(conn, evidence.tied) | evidence.tied.keys()
    await tie_rows.insert_ties(conn, evidence.ties)
    await cut_rows.note_tied(conn, evidence.tied, now)
    await decision_rows.write_conversion_keys(conn, evidence.carried)
    proven = await tie_rows.proven_keys(conn, evidence.tokens)
    await decision_rows.write_conversion_keys(conn, {(w, key, own) for w, own, key in proven})
    met = await store.probe_clicks(conn) if intake.touches else []
    late = {(w, click, visitor) for place, w, click, visitor in met if place in intake.touches}
    clicked = late | set(await store.visitors_of_clicks(conn, evidence.clicks))
    keys = evidence.keys | {(w, key) for w, one, other in clicked | proven for key in (one, other)}
    more = await store.insert_neighbours(conn, _neighbours(evidence.edges, clicked), late)
    asked = keys | more.keys() | evidence.tied.keys()
    known = await store.read_aliases(conn, asked)
    aliases = {keyed: _counted(keyed, known, more) for keyed in asked}
    hubs = _new_hubs(aliases, more)
    await cut_rows.note_hubs(conn, hubs, _events_of(intake, hubs), now)
    moved = _unions(aliases, evidence.pairs | clicked | proven)
    aliases = {
        keyed: alias.moved_to(moved.get((keyed[0], alias.component_id)))
        for keyed, alias in aliases.items()
    }
    changed = {keyed: alias for keyed, alias in aliases.items() if known.get(keyed) != alias}
    await store.put_aliases(conn, changed, evidence.clicks, evidence.converted_at)
    # Keys that are not in this batch move with their component.
    absorbed = {component for component, after in moved.items() if after == DISSOLVED}
    await dissolved_rows.want_components(conn, absorbed, REASON_DISSOLVED)
    older = {(keyed[0], alias.component_id) for keyed, alias in known.items()}
    await store.merge_components(
        conn, [(w, before, after) for (w, before), after in moved.items() if (w, before) in older]
    )
    # A known hub joins nothing. A new hub leaves the journeys that it was part of.
    named = {(w, aliases[w, key].component_id) for w, key in keys if not aliases[w, key].is_hub}
    named |= await split(conn, {(keyed[0], aliases[keyed].component_id) for keyed in hubs})
    own_hubs = {(w, k) for w, k, _ in clicked if aliases[w, k].is_hub}
    spans, touched = await _late_touches(conn, intake)
    touched |= {(w, click): aliases[w, click] for w, click, _ in late}
    touched |= {hub: aliases[hub] for hub in hubs}
    named |= await _in_span(conn, spans, windows)
    whole, alone = await _carriers(conn, own_hubs | reached, touched)
    new = {own for own in evidence.converted_at if aliases[own].component_id == DISSOLVED}
    await dissolved_rows.want_conversions(conn, alone - new, REASON_DISSOLVED)
    named = {component for component in named | whole if component[1] != DISSOLVED}
    return Joined(named, new, len(hubs), is_queued=bool(alone - new or absorbed))


async def _carriers(
    conn: Any, keys: set[Keyed], touched: Mapping[Keyed, Alias]
) -> tuple[set[Component], set[Keyed]]:
    """Return the conversions that carry a key themselves or are tied to a touched one.

    They are components, and conversions of dissolved components.
    """
    carried = keys | await tie_rows.tied_keys(conn, touched)
    carried |= {keyed for keyed, alias in touched.items() if alias.component_id == DISSOLVED}
    return parted(await scope_queries.carried_by(conn, carried))


def _new_hubs(aliases: Mapping[Keyed, Alias], more: Mapping[Keyed, int]) -> set[Keyed]:
    """Return the keys that are hubs only with their new neighbours of this batch."""
    return {
        keyed
        for keyed, alias in aliases.items()
        if alias.is_hub and alias.degree - more.get(keyed, 0) <= HUB_NEIGHBOURS
    }


def _events_of(intake: Intake, keys: Collection[Keyed]) -> dict[Keyed, str]:
    """Return an event of the batch for each of these keys that is in one."""
    if not keys:
        return {}
    return {
        (reading.workspace_id, key): reading.event_id
        for reading in intake.new
        for key in reading.keys
        if (reading.workspace_id, key) in keys
    }


def _counted(keyed: Keyed, known: Mapping[Keyed, Alias], more: Mapping[Keyed, int]) -> Alias:
    """Return the alias with the neighbours of this batch; a new key is its own component."""
    before = known.get(keyed)
    met = more.get(keyed, 0)
    if before is None:
        return Alias(keyed[1], met)
    return Alias(before.component_id, before.degree + met) if met else before


def _evidence(intake: Intake) -> Evidence:
    evidence = Evidence()
    for reading in intake.new:
        workspace = reading.workspace_id
        keys = reading.keys
        if reading.tied:
            _add_ties(evidence, reading)
        if len(keys) < 2 and reading.own_key is None:
            continue  # the usual case: a plain click joins nothing
        evidence.keys.update((workspace, key) for key in keys)
        evidence.clicks.update(((workspace, key), touch_id) for key, touch_id in reading.clicks)
        for first, second in combinations(keys, 2):
            edge = Edge(reading.event_id, first, second, reading.edge_source)
            evidence.edges.append((workspace, edge))
            evidence.pairs.add((workspace, first, second))
        if reading.own_key is not None:
            evidence.keys.add((workspace, reading.own_key))
            evidence.converted_at[workspace, reading.own_key] = reading.occurred_at
            own = {(workspace, key, reading.own_key) for key in keys}
            evidence.pairs |= own
            evidence.carried |= own
            if reading.token is not None:
                token = (workspace, reading.token, reading.own_key)
                evidence.tokens.add(token)
                if is_trusted_source(reading.source_kind):
                    evidence.carried.add(token)
    return evidence


def _add_ties(evidence: Evidence, reading: Reading) -> None:
    workspace = reading.workspace_id
    evidence.clicks.update(((workspace, key), touch_id) for key, touch_id in reading.clicks)
    for one, other in combinations(reading.tied, 2):
        evidence.ties |= {(workspace, key, tied) for key, tied in tie_rows_of(one, other)}
    evidence.tied.update(
        ((workspace, key), reading.event_id) for key in reading.tied if key[:1] in _OF_A_BROWSER
    )


def _neighbours(edges: Iterable[tuple[str, Edge]], clicked: Collection[Pair]) -> set[Pair]:
    """Return (workspace, key, neighbour) for the keys that occur together in these events.

    A click key is no neighbour. Its visitor is, of every key that occurs with the click key.
    """
    both = {
        pair
        for workspace, edge in edges
        for pair in ((workspace, edge.key_a, edge.key_b), (workspace, edge.key_b, edge.key_a))
        if pair[2][:1] != _CLICK
    }
    maker = {(w, click): visitor for w, click, visitor in clicked if visitor != click}
    for workspace, click, key in tuple(both):
        visitor = maker.get((workspace, click))
        if visitor is not None and visitor != key:
            both |= {(workspace, key, visitor), (workspace, visitor, key)}
    return both


def _unions(aliases: Mapping[Keyed, Alias], pairs: Iterable[Pair]) -> dict[Component, bytes]:
    """Unite component ids by union-find; return the new (smallest) id of each renamed one."""
    parent: dict[Component, Component] = {}

    def root(component: Component) -> Component:
        while (above := parent.setdefault(component, component)) != component:
            parent[component] = parent[above]
            component = above
        return component

    for workspace, first, second in pairs:
        one, other = aliases[workspace, first], aliases[workspace, second]
        if one.is_hub or other.is_hub:
            continue
        roots = root((workspace, one.component_id)), root((workspace, other.component_id))
        parent[max(roots)] = min(roots)
    return {component: root(component)[1] for component in parent if root(component) != component}


async def _late_touches(
    conn: Any, intake: Intake
) -> tuple[Mapping[Component, list[datetime]], dict[Keyed, Alias]]:
    """Return the times of the new touches by component, and the known keys that they have."""
    spans: defaultdict[Component, list[datetime]] = defaultdict(list)
    touched: dict[Keyed, Alias] = {}
    for hit in await store.probe_visitors(conn) if intake.touches else ():
        staged = intake.touches.get(hit.place)
        if staged is not None and staged.touch.anon_key is not None and not hit.alias.is_hub:
            spans[staged.workspace_id, hit.alias.component_id].append(staged.touch.occurred_at)
            touched[staged.workspace_id, staged.touch.anon_key] = hit.alias
    return spans, touched


async def _in_span(
    conn: Any, spans: Mapping[Component, list[datetime]], windows: Mapping[str, timedelta]
) -> set[Component]:
    """Return the components with a conversion that one of their new touches may belong to."""
    with faults_of("span"):
        asked = [
            (component, min(moments) - _LATE, max(moments) + windows[component[0]])
            for component, moments in sorted(spans.items())
            if component[1] != DISSOLVED
        ]
    return await scope_queries.touched_components(conn, asked)
