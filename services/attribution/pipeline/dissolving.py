"""Components that a batch splits at a new hub, and components that grew beyond their bounds.

Promise: a stored component is the one of the trusted evidence without the hubs, so whether it is
dissolved does not depend on the order of arrival. What joins a dissolved component is dissolved,
too. All conversions of a dissolved component are decided again, through the queue.
What can go wrong: a component that was dissolved before one of its keys became a hub stays so.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from services.attribution.domain.components import components
from services.attribution.store import dissolved_rows, identity_rows, scope_queries
from services.attribution.store.identity_rows import DISSOLVED, Alias, Keyed
from services.attribution.store.scope_queries import Carrier, Component, ComponentKey
from services.attribution.tables import HUB_NEIGHBOURS
from services.attribution.wire.event_readings import OWN_KEYS_FROM, OWN_KEYS_TO
from shared.telemetry import get_logger

REASON_DISSOLVED: Final = "component_dissolved"

logger = get_logger(__name__)


async def dissolve(conn: Any, over: Collection[Component]) -> None:
    """Dissolve components, and queue their conversions."""
    if over:
        await dissolved_rows.want_components(conn, over, REASON_DISSOLVED)
        await identity_rows.merge_components(conn, [(w, before, DISSOLVED) for w, before in over])
        logger.warning("identity.dissolved", components=len(over))


def parted(carriers: Iterable[Carrier]) -> tuple[set[Component], set[Keyed]]:
    """Return the components of conversions, and the conversions of dissolved components."""
    whole: set[Component] = set()
    alone: set[Keyed] = set()
    for carrier in carriers:
        if carrier.component_id == DISSOLVED:
            alone.add((carrier.workspace_id, carrier.own_key))
        else:
            whole.add((carrier.workspace_id, carrier.component_id))
    return whole, alone


async def split(conn: Any, hubs: Collection[Component]) -> set[Component]:
    """Divide the components of new hubs by what joins their keys without the hubs.

    Return the parts that hold a conversion.
    """
    members: defaultdict[Component, dict[bytes, ComponentKey]] = defaultdict(dict)
    asked = [component for component in hubs if component[1] != DISSOLVED]
    for row in await scope_queries.members(conn, asked):
        members[row.component][row.key] = row
    pairs = await _pairs(conn, members)
    changed: dict[Keyed, Alias] = {}
    parts: set[Component] = set()
    for (workspace, component_id), found in members.items():
        cut = frozenset(row.key for row in found.values() if row.degree > HUB_NEIGHBOURS)
        for key, together in components(found, pairs[workspace], cut).items():
            part = min(together)
            if part != component_id:
                changed[workspace, key] = Alias(part, found[key].degree)
            if _is_own(key):
                parts.add((workspace, part))
    await identity_rows.put_aliases(conn, changed, {}, {})
    return parts


async def _pairs(
    conn: Any, members: Mapping[Component, Mapping[bytes, ComponentKey]]
) -> Mapping[str, list[tuple[bytes, bytes]]]:
    """Return the trusted pairs of keys and conversions by workspace, without those of hubs."""
    rows = [row for found in members.values() for row in found.values()]
    joining = [row for row in rows if row.degree <= HUB_NEIGHBOURS and not _is_own(row.key)]
    keys = {(row.component[0], row.key) for row in joining}
    clicks = {
        (row.component[0], row.key): row.touch_id for row in joining if row.touch_id is not None
    }
    pairs: defaultdict[str, list[tuple[bytes, bytes]]] = defaultdict(list)
    for workspace, edge in await scope_queries.edges_of(conn, keys):
        pairs[workspace].append((edge.key_a, edge.key_b))
    for workspace, click, visitor in await identity_rows.visitors_of_clicks(conn, clicks):
        pairs[workspace].append((click, visitor))
    for carrier in await scope_queries.carried_by(conn, keys):
        pairs[carrier.workspace_id].append((carrier.key, carrier.own_key))
    return pairs


def _is_own(key: bytes) -> bool:
    return OWN_KEYS_FROM <= key < OWN_KEYS_TO
