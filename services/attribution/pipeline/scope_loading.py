"""Load all evidence of the components to decide again, as scopes for the domain.

Promise: a scope holds all evidence that can affect its conversions. All scopes together take a
fixed number of statements. Components without a conversion are left out.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from services.attribution.domain.journey import earliest_at, latest_at
from services.attribution.domain.model import (
    Adjustment,
    CatalogFacts,
    ConversionVersion,
    Edge,
    Scope,
    Touch,
)
from services.attribution.domain.policies import policy_for
from services.attribution.pipeline.record_faults import faults_of
from services.attribution.store import scope_queries as store
from services.attribution.store.identity_rows import Keyed, read_aliases
from services.attribution.store.scope_queries import Component, Journey
from services.attribution.tables import HUB_NEIGHBOURS
from services.attribution.wire.event_readings import OWN_KEYS_FROM, OWN_KEYS_TO, conversion_evidence
from shared.ids import is_strong


@dataclass(slots=True)
class Gathered:
    """One component while it is loaded.

    `own_keys` are its conversions, with the time by which a late touch finds them. `bodies` are
    their stored events by event id.
    """

    component: Component
    keys: set[bytes] = field(default_factory=set)
    own_keys: dict[bytes, datetime | None] = field(default_factory=dict)
    hubs: set[bytes] = field(default_factory=set)
    touch_ids: set[str] = field(default_factory=set)
    versions: list[ConversionVersion] = field(default_factory=list)
    adjustments: list[Adjustment] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    touches: dict[str, Touch] = field(default_factory=dict)
    bodies: dict[str, bytes] = field(default_factory=dict)

    @property
    def workspace_id(self) -> str:
        """The workspace of the component."""
        return self.component[0]

    @property
    def scope(self) -> Scope:
        """The evidence in the form that the domain uses."""
        return Scope(
            workspace_id=self.workspace_id,
            touches=tuple(self.touches.values()),
            edges=tuple(self.edges),
            versions=tuple(self.versions),
            adjustments=tuple(self.adjustments),
            hubs=frozenset(self.hubs),
        )


async def gather(
    conn: Any, components: Collection[Component], facts: Mapping[str, CatalogFacts]
) -> list[Gathered]:
    """Return the evidence of the components that have a conversion."""
    gathered = await _keys(conn, components)
    if not gathered:
        return []
    await _evidence(conn, gathered)
    await _edges_and_hubs(conn, gathered)
    await _touches(conn, gathered, facts)
    await _hub_visitors(conn, gathered)
    return gathered


async def _keys(conn: Any, components: Collection[Component]) -> list[Gathered]:
    by_component: dict[Component, Gathered] = {}
    for row in await store.component_keys(conn, components):
        item = by_component.setdefault(row.component, Gathered(row.component))
        if OWN_KEYS_FROM <= row.key < OWN_KEYS_TO:
            item.own_keys[row.key] = row.converted_at
            continue
        item.keys.add(row.key)
        if row.degree > HUB_NEIGHBOURS:
            item.hubs.add(row.key)
        if row.touch_id is not None:
            item.touch_ids.add(row.touch_id)
    gathered = [by_component[component] for component in sorted(by_component)]
    return [item for item in gathered if item.own_keys]


async def _evidence(conn: Any, gathered: Iterable[Gathered]) -> None:
    owners = {(item.workspace_id, own): item for item in gathered for own in item.own_keys}
    for keyed, body in await store.conversion_evidence(conn, owners):
        item = owners[keyed]
        fact = conversion_evidence(body)
        item.bodies[fact.event_id] = body
        if isinstance(fact, Adjustment):
            item.adjustments.append(fact)
            continue
        item.versions.append(fact)
        if fact.click_touch_id is not None:
            item.touch_ids.add(fact.click_touch_id)


async def _edges_and_hubs(conn: Any, gathered: Iterable[Gathered]) -> None:
    """Load the edges inside the components, and mark the neighbour keys that are hubs."""
    owners = {(item.workspace_id, key): item for item in gathered for key in item.keys - item.hubs}
    for workspace, edge in await store.edges_of(conn, owners):
        owners[workspace, edge.key_a].edges.append(edge)
    outside: defaultdict[Keyed, list[Gathered]] = defaultdict(list)
    for item in gathered:
        met = {key for edge in item.edges for key in (edge.key_a, edge.key_b)}
        met.update(key for version in item.versions for key in version.keys)
        for key in met - item.keys:
            outside[item.workspace_id, key].append(item)
    await _note_hubs(conn, outside)


async def _hub_visitors(conn: Any, gathered: Iterable[Gathered]) -> None:
    """Mark the visitors of clicks that are hubs.

    A click that is found by its id may belong to a hub, and no edge shows this. Such a click must
    not count for a customer.
    """
    outside: defaultdict[Keyed, list[Gathered]] = defaultdict(list)
    for item in gathered:
        visitors = {touch.anon_key for touch in item.touches.values()}
        for key in visitors - item.keys:
            if key is not None:
                outside[item.workspace_id, key].append(item)
    await _note_hubs(conn, outside)


async def _note_hubs(conn: Any, outside: Mapping[Keyed, list[Gathered]]) -> None:
    for keyed, alias in (await read_aliases(conn, outside)).items():
        if alias.is_hub:
            for item in outside[keyed]:
                item.hubs.add(keyed[1])


async def _touches(conn: Any, gathered: list[Gathered], facts: Mapping[str, CatalogFacts]) -> None:
    asked: list[Journey] = []
    named: set[tuple[int, str, str]] = set()
    for number, item in enumerate(gathered):
        if not item.versions:
            continue
        with faults_of("span"):
            since, until = _span(item.versions, facts[item.workspace_id])
        weak = sorted(key for key in item.keys - item.hubs if not is_strong(key))
        asked += [Journey(number, key, item.workspace_id, since, until) for key in weak]
        named |= {(number, touch_id, item.workspace_id) for touch_id in item.touch_ids}
    for number, touch in await store.journeys(conn, asked):
        gathered[number].touches[touch.touch_id] = touch
    for number, touch in await store.touches_by_id(conn, named):
        gathered[number].touches[touch.touch_id] = touch


def _span(versions: Iterable[ConversionVersion], facts: CatalogFacts) -> tuple[datetime, datetime]:
    """Return the time span in which a touch can be a candidate of any of the conversions."""
    moments = [version.occurred_at for version in versions]
    starts = [earliest_at(moment, policy_for(facts.policies, moment)) for moment in moments]
    return min(starts), latest_at(max(moments))
