"""Components: the keys and conversions that trusted evidence joins, and their bounds.

Promise: the components depend only on the set of pairs and hubs, never on their order. A hub joins
nothing: it is a component of its own. A component beyond its bounds is dissolved: each of its
conversions is decided from the keys that it carries itself.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

# A person has some devices, e-mails and clicks, and some hundred orders. More belong to a robot, to
# a shop that gives many people one id, or to an attack; deciding them together would hold a
# workspace for longer than 250 ms.
KEYS_MAX: Final = 200
CONVERSIONS_MAX: Final = 500


def components(
    members: Iterable[bytes], pairs: Iterable[tuple[bytes, bytes]], hubs: frozenset[bytes]
) -> dict[bytes, frozenset[bytes]]:
    """Return the component of each member."""
    parent = {member: member for member in members}

    def root(key: bytes) -> bytes:
        while parent[key] != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    for one, other in pairs:
        if one in hubs or other in hubs or one not in parent or other not in parent:
            continue
        roots = root(one), root(other)
        parent[max(roots)] = min(roots)
    groups: defaultdict[bytes, set[bytes]] = defaultdict(set)
    for member in parent:
        groups[root(member)].add(member)
    frozen: Mapping[bytes, frozenset[bytes]] = {k: frozenset(v) for k, v in groups.items()}
    return {member: frozen[root(member)] for member in parent}


def is_dissolved(keys: int, conversions: int) -> bool:
    """Whether a component of so many keys and conversions is beyond the bounds."""
    return keys > KEYS_MAX or conversions > CONVERSIONS_MAX
