"""Load all evidence of the components to decide again, as scopes for the domain.

Promise: a scope holds all evidence that can affect its conversions: what trusted sources told about
its component, the claims of unconfirmed conversions, and the untrusted ties of carried keys with
the touches one step away. All scopes together take a fixed number of statements. Components without
a conversion are left out.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from services.attribution.domain.components import is_dissolved
from services.attribution.domain.journey import earliest_at, latest_at
from services.attribution.domain.model import (
    Adjustment,
    CatalogFacts,
    ConversionVersion,
    Edge,
    Scope,
    SurveyAnswer,
    Touch,
)
from services.attribution.domain.netting import is_trusted
from services.attribution.domain.policies import policy_for
from services.attribution.pipeline.record_faults import faults_of
from services.attribution.store import scope_queries as store
from services.attribution.store.identity_rows import Keyed, read_aliases
from services.attribution.store.scope_queries import Component, Journey
from services.attribution.store.tie_rows import Near, near_keys
from services.attribution.tables import HUB_NEIGHBOURS, TOUCHES_PER_CLICK, TOUCHES_PER_PERSON
from services.attribution.wire.event_readings import (
    OWN_KEYS_FROM,
    OWN_KEYS_TO,
    claims_key,
    conversion_evidence,
    own_key,
)
from shared.ids import CLAIM_PREFIX, TOKEN_PREFIX, is_click, is_strong


@dataclass(slots=True)
class Gathered:
    """One component while it is loaded.

    `own_keys` are its conversions, with the time by which a late touch finds them. `bodies` are
    their stored events by event id.
    """

    component: Component
    keys: set[bytes] = field(default_factory=set)
    own_keys: dict[bytes, datetime | None] = field(default_factory=dict)
    is_alone: bool = False
    hubs: set[bytes] = field(default_factory=set)
    touch_ids: set[str] = field(default_factory=set)
    versions: list[ConversionVersion] = field(default_factory=list)
    adjustments: list[Adjustment] = field(default_factory=list)
    answers: list[SurveyAnswer] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    touches: dict[str, Touch] = field(default_factory=dict)
    near: set[bytes] = field(default_factory=set)
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
            answers=tuple(self.answers),
            hubs=frozenset(self.hubs),
            alone=frozenset(v.key for v in self.versions) if self.is_alone else frozenset(),
        )


async def gather(
    conn: Any,
    components: Collection[Component],
    alone: Collection[Keyed],
    facts: Mapping[str, CatalogFacts],
) -> tuple[list[Gathered], list[Component]]:
    """Return the evidence of the components that have a conversion, and of single conversions.

    Components beyond their bounds are returned beside it; nothing of them is loaded.
    """
    gathered, over = await _keys(conn, components)
    for workspace, own in sorted(alone):
        gathered.append(Gathered((workspace, own), own_keys={own: None}, is_alone=True))
    if not gathered:
        return [], over
    await _evidence(conn, gathered)
    await _claims(conn, gathered)
    await _edges_and_hubs(conn, gathered)
    for item in gathered:
        if item.is_alone:
            item.keys.update(key for v in filter(is_trusted, item.versions) for key in v.keys)
    await _ties(conn, gathered)
    await _touches(conn, gathered, facts)
    await _hub_visitors(conn, gathered)
    return gathered, over


async def _keys(
    conn: Any, components: Collection[Component]
) -> tuple[list[Gathered], list[Component]]:
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
    over = [item for item in gathered if is_dissolved(len(item.keys), len(item.own_keys))]
    beyond = {item.component for item in over}
    kept = [item for item in gathered if item.own_keys and item.component not in beyond]
    return kept, sorted(beyond)


async def _evidence(conn: Any, gathered: Iterable[Gathered]) -> None:
    owners = {(item.workspace_id, own): item for item in gathered for own in item.own_keys}
    for keyed, body in await store.conversion_evidence(conn, owners):
        item = owners[keyed]
        fact = conversion_evidence(body)
        item.bodies[fact.event_id] = body
        if isinstance(fact, Adjustment):
            item.adjustments.append(fact)
            continue
        if isinstance(fact, SurveyAnswer):
            item.answers.append(fact)
            continue
        item.versions.append(fact)
        if fact.click_touch_id is not None:
            item.touch_ids.add(fact.click_touch_id)


async def _claims(conn: Any, gathered: Iterable[Gathered]) -> None:
    """Load the claims of conversions that no trusted source has told, and proven answers."""
    owners: dict[Keyed, Gathered] = {}
    for item in gathered:
        told = {own_key(version.key) for version in item.versions}
        owners |= {
            (item.workspace_id, claims_key(own)): item for own in item.own_keys.keys() - told
        }
        tokens = {version.token for version in filter(is_trusted, item.versions)}
        owners |= {(item.workspace_id, token): item for token in tokens if token is not None}
    for keyed, body in await store.claims(conn, owners):
        fact = conversion_evidence(body)
        if isinstance(fact, SurveyAnswer):
            owners[keyed].answers.append(fact)
            continue
        assert isinstance(fact, ConversionVersion), "adjustments are not filed with the claims"
        owners[keyed].versions.append(fact)
        owners[keyed].bodies[fact.event_id] = body


async def _ties(conn: Any, gathered: Iterable[Gathered]) -> None:
    """Load the ties of the keys that trusted orders carry, then those of their proven claims."""
    carried: defaultdict[Keyed, list[Gathered]] = defaultdict(list)
    for item in gathered:
        for version in filter(is_trusted, item.versions):
            for key in (version.token, *version.keys):
                if key is not None and not is_strong(key) and key not in item.hubs:
                    carried[item.workspace_id, key].append(item)
    proven: defaultdict[Keyed, list[Gathered]] = defaultdict(list)
    for near in await near_keys(conn, carried):
        if near.key[:1] == TOKEN_PREFIX and near.tied_key[:1] != CLAIM_PREFIX:
            proven[near.workspace_id, near.tied_key] += carried[near.workspace_id, near.key]
        _add_tie(near, carried[near.workspace_id, near.key])
    for near in await near_keys(conn, proven.keys() - carried.keys()):
        _add_tie(near, proven[near.workspace_id, near.key])


def _add_tie(near: Near, items: Iterable[Gathered]) -> None:
    low, high = sorted((near.key, near.tied_key))
    for item in items:
        item.edges.append(Edge("", low, high))
        if near.tied_key[:1] != CLAIM_PREFIX:
            item.near.add(near.tied_key)
        if near.degree > HUB_NEIGHBOURS:
            item.hubs.add(near.tied_key)
        if near.touch_id is not None:
            item.touch_ids.add(near.touch_id)


async def _edges_and_hubs(conn: Any, gathered: Iterable[Gathered]) -> None:
    """Load the edges inside the components, and mark the neighbour keys that are hubs."""
    owners = {(item.workspace_id, key): item for item in gathered for key in item.keys - item.hubs}
    for workspace, edge in await store.edges_of(conn, owners):
        owners[workspace, edge.key_a].edges.append(edge)
    outside: defaultdict[Keyed, list[Gathered]] = defaultdict(list)
    for item in gathered:
        met = {key for edge in item.edges for key in (edge.key_a, edge.key_b)}
        met.update(key for version in filter(is_trusted, item.versions) for key in version.keys)
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
        known = (item.keys | item.near) - item.hubs
        weak = sorted(key for key in known if not is_strong(key))
        visitors = sum(not is_click(key) for key in weak)
        part = max(TOUCHES_PER_PERSON // max(visitors, 1), 1)
        for key in weak:
            most = TOUCHES_PER_CLICK if is_click(key) else part
            asked.append(Journey(number, key, item.workspace_id, since, until, most))
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
