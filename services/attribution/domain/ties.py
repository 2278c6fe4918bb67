"""Ties between anonymous keys that a public key told: what they add to one conversion.

Promise: a tie reaches one step from an anonymous key that the trusted order carries and never
further. It reaches no customer id and no e-mail. A claim adds its keys to an order when it has the
order's token and no claim with that token has other keys. The result depends only on the set of
ties. Nothing here raises.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import Struct

from services.attribution.domain.model import Edge, is_trusted_source
from shared.ids import CLAIM_PREFIX, TOKEN_PREFIX, is_strong

# A key with more ties than this was told by many; none of its ties counts.
TIES_MAX: Final = 50


class Ties(Struct, frozen=True, gc=False):
    """The anonymous keys that were told together with each key."""

    told: Mapping[bytes, frozenset[bytes]]

    def near(self, keys: Iterable[bytes]) -> frozenset[bytes]:
        """Return the keys that are tied to one of these keys, without the keys themselves."""
        own = frozenset(keys)
        found = {other for key in own for other in self._of(key) if self._of(other)}
        return frozenset(found) - own

    def claimed(self, token: bytes | None) -> frozenset[bytes]:
        """Return the anonymous keys of the claims with a token; none when two claims differ."""
        told = self._of(token) if token is not None else frozenset()
        if sum(key[:1] == CLAIM_PREFIX for key in told) != 1:
            return frozenset()
        return frozenset(key for key in told if key[:1] != CLAIM_PREFIX)

    def _of(self, key: bytes) -> frozenset[bytes]:
        told = self.told.get(key, frozenset())
        return told if len(told) <= TIES_MAX else frozenset()


def ties_of(edges: Iterable[Edge]) -> Ties:
    """Return the ties among these edges; trusted edges are no ties."""
    told: defaultdict[bytes, set[bytes]] = defaultdict(set)
    for edge in edges:
        if not is_trusted_source(edge.source_kind):
            for key, other in tie_rows(edge.key_a, edge.key_b):
                told[key].add(other)
    return Ties({key: frozenset(others) for key, others in told.items()})


def tie_rows(one: bytes, other: bytes) -> list[tuple[bytes, bytes]]:
    """Return the (key, tied key) pairs of two keys of one untrusted event.

    A token leads to the keys of its claims and never back, so that many orders in one browser do
    not use up its ties.
    """
    if is_strong(one) or is_strong(other):
        return []
    marks = (TOKEN_PREFIX, CLAIM_PREFIX)
    return [
        (key, tied)
        for key, tied in ((one, other), (other, one))
        if key[:1] != CLAIM_PREFIX and tied[:1] != TOKEN_PREFIX
        if tied[:1] not in marks or key[:1] == TOKEN_PREFIX
    ]
