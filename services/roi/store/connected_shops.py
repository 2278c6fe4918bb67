"""The SQL of the shops that are or were connected, and of the number of stores."""

from typing import Final

from services.roi.domain.stores import ConnectedShop
from services.roi.store.catalog import Reader

_SHOPS: Final = """
SELECT v.facts ->> 'kind', v.facts ->> 'shop_domain', v.facts ->> 'store_id',
       e.archived_at IS NOT NULL
  FROM roi.entities AS e
  JOIN roi.versions AS v ON v.entity_id = e.id AND v.workspace_id = e.workspace_id
 WHERE e.entity = 'connection' AND e.workspace_id = $1 AND v.superseded_at IS NULL
 ORDER BY e.created_at DESC, e.id DESC
"""
_STORES: Final = """
SELECT count(*) FROM roi.entities WHERE entity = 'store' AND workspace_id = $1
"""


async def connected_shops(reader: Reader) -> list[ConnectedShop]:
    """Return every connection of the workspace, archived or not, newest first."""
    rows = await reader.pg.fetch(_SHOPS, reader.workspace_id)
    return [ConnectedShop(*row) for row in rows]


async def count_stores(reader: Reader) -> int:
    """Return how many stores the workspace has, archived or not."""
    return int(await reader.pg.fetchval(_STORES, reader.workspace_id))
