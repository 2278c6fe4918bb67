"""The person of a conversion, decided purely from evidence edges, touches and hubs.

Promise: the result depends on the set of trusted evidence, never on its order, and unrelated
evidence changes nothing. Strong keys of one event form one customer. A weak key that is tied to two
customers is shared and joins no persons. Nothing here raises: a key without evidence is a person of
its own.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from msgspec import Struct

from services.attribution.domain.model import (
    ConversionVersion,
    Edge,
    Scope,
    Touch,
    is_trusted_source,
)
from services.attribution.domain.netting import is_trusted
from shared.ids import is_strong


class Person(Struct, frozen=True, gc=False):
    """The person of one conversion.

    Every touch on a weak key of `keys` belongs to the person. Of a click key in `clicks` only the
    click itself does. Two conversions have the same person when they share a value of `tokens`.
    """

    customers: tuple[bytes, ...]
    keys: frozenset[bytes]
    clicks: frozenset[bytes]
    tokens: frozenset[bytes]


class Cluster(Struct, frozen=True, gc=False):
    """Linked weak keys without a customer, and the customers of their linked neighbours."""

    keys: frozenset[bytes]
    customers: frozenset[bytes]


class Identities(Struct, frozen=True, gc=False):
    """All customers and weak keys of a scope; the smallest strong key names a customer."""

    hubs: frozenset[bytes]
    customer_of: Mapping[bytes, bytes]
    ties: Mapping[bytes, frozenset[bytes]]
    clusters: Mapping[bytes, Cluster]
    keys_of: Mapping[bytes, frozenset[bytes]]

    def person(self, carried: Iterable[bytes]) -> Person:
        """Return the person of a conversion that carries these keys."""
        joining = sorted(set(carried) - self.hubs)
        weak = [key for key in joining if not is_strong(key)]
        customers = {self.customer_of.get(key, key) for key in joining if is_strong(key)}
        if not customers:
            options = {owner for key in weak for owner in self._sole_customer(key)}
            customers = options if len(options) == 1 else set()
        own = {key for owner in customers for key in self.keys_of.get(owner, ())}
        free = {key for carried_key in weak for key in self._free(carried_key)}
        return Person(
            customers=tuple(sorted(customers)),
            keys=frozenset(own | free | set(weak)),
            clicks=frozenset(key for key in carried if not is_strong(key)),
            tokens=frozenset(customers or free),
        )

    def _customers(self, weak_key: bytes) -> frozenset[bytes]:
        """Return the customers of a weak key: tied directly, else through its cluster."""
        direct = self.ties.get(weak_key)
        if direct:
            return direct
        cluster = self.clusters.get(weak_key)
        return cluster.customers if cluster else frozenset()

    def _sole_customer(self, weak_key: bytes) -> frozenset[bytes]:
        customers = self._customers(weak_key)
        return customers if len(customers) == 1 else frozenset()

    def _free(self, weak_key: bytes) -> frozenset[bytes]:
        """Return the cluster of a carried weak key without a customer."""
        if self._customers(weak_key):
            return frozenset()
        cluster = self.clusters.get(weak_key)
        return cluster.keys if cluster else frozenset((weak_key,))


def alone(carried: Iterable[bytes], hubs: frozenset[bytes]) -> Person:
    """Return the person of a conversion of a dissolved component: the keys that it carries.

    It has no token, so it has no history with other conversions.
    """
    carried = frozenset(carried)
    weak = frozenset(key for key in carried if not is_strong(key))
    return Person(
        customers=tuple(sorted(carried - weak - hubs)),
        keys=weak - hubs,
        clicks=weak,
        tokens=frozenset(),
    )


def identify(scope: Scope) -> Identities:
    """Decide the customers of a scope and the owner of each weak key."""
    groups = _keys_by_event(scope.edges, scope.versions, scope.hubs)
    customer_of = _customers(groups)
    ties, links = _ties_and_links(groups, customer_of, scope.touches, scope.hubs)
    clusters = _clusters(ties, links)
    return Identities(scope.hubs, customer_of, ties, clusters, _keys_of(ties, clusters))


def _keys_by_event(
    edges: Iterable[Edge], versions: Iterable[ConversionVersion], hubs: frozenset[bytes]
) -> list[frozenset[bytes]]:
    seen: defaultdict[str, set[bytes]] = defaultdict(set)
    for edge in edges:
        if is_trusted_source(edge.source_kind):
            seen[edge.event_id].update((edge.key_a, edge.key_b))
    for version in versions:
        if is_trusted(version):
            seen[version.event_id].update(version.keys)
    return [frozenset(seen[event_id] - hubs) for event_id in sorted(seen)]


def _customers(groups: Iterable[frozenset[bytes]]) -> dict[bytes, bytes]:
    """Join the strong keys of each event by union-find; the root is the smallest key."""
    parent: dict[bytes, bytes] = {}

    def root(key: bytes) -> bytes:
        while parent[key] != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    for group in groups:
        strong = sorted(key for key in group if is_strong(key))
        for key in strong:
            parent.setdefault(key, key)
            first, second = sorted((root(strong[0]), root(key)))
            parent[second] = first
    return {key: root(key) for key in sorted(parent)}


_Sets = dict[bytes, frozenset[bytes]]


def _ties_and_links(
    groups: Iterable[frozenset[bytes]],
    customer_of: Mapping[bytes, bytes],
    touches: Iterable[Touch],
    hubs: frozenset[bytes],
) -> tuple[_Sets, _Sets]:
    """Return the customers and the linked weak keys of every weak key.

    The ties of a click pass to its visitor.
    """
    ties: defaultdict[bytes, set[bytes]] = defaultdict(set)
    links: defaultdict[bytes, set[bytes]] = defaultdict(set)
    for group in groups:
        weak = {key for key in group if not is_strong(key)}
        owners = {customer_of[key] for key in group if is_strong(key)}
        for key in weak:
            ties[key] |= owners
            links[key] |= weak - {key}
    contained = {
        (touch.anon_key, touch.click_key)
        for touch in touches
        if touch.anon_key and touch.click_key and touch.anon_key != touch.click_key
        if is_trusted_source(touch.source_kind)
    }
    for visitor, click in contained:
        if visitor in hubs or click in hubs:
            continue
        ties[visitor] |= ties[click]
        links[visitor].add(click)
        links[click].add(visitor)
    return _frozen(ties), _frozen(links)


def _frozen(sets: Mapping[bytes, set[bytes]]) -> _Sets:
    return {key: frozenset(values) for key, values in sets.items()}


def _clusters(ties: Mapping[bytes, frozenset[bytes]], links: _Sets) -> dict[bytes, Cluster]:
    """Group linked weak keys without ties; a shared neighbour gives no customer."""
    clusters: dict[bytes, Cluster] = {}
    for start in sorted(links):
        if start in clusters or ties.get(start):
            continue
        members, customers, waiting = {start}, set[bytes](), [start]
        while waiting:
            for neighbour in links[waiting.pop()] - members:
                tied = ties.get(neighbour, frozenset())
                if not tied:
                    members.add(neighbour)
                    waiting.append(neighbour)
                elif len(tied) == 1:
                    customers |= tied
        cluster = Cluster(frozenset(members), frozenset(customers))
        clusters.update(dict.fromkeys(members, cluster))
    return clusters


def _keys_of(ties: Mapping[bytes, frozenset[bytes]], clusters: Mapping[bytes, Cluster]) -> _Sets:
    """Return the weak keys that belong to one customer only, by customer."""
    own: defaultdict[bytes, set[bytes]] = defaultdict(set)
    for key, owners in ties.items():
        if len(owners) == 1:
            own[min(owners)].add(key)
    for key, cluster in clusters.items():
        if len(cluster.customers) == 1:
            own[min(cluster.customers)].add(key)
    return _frozen(own)
