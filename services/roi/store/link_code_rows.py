"""Which words are in use as link codes, over all workspaces of a host. Read by nobody else: a taken word says nothing of its owner.

Promise: a word is claimed once and stays with its link for ever, archived or not, because its URL is out in the world.
"""

from typing import Final

from services.roi.domain.link_codes import folded
from services.roi.store.catalog import Writer

# All links stand on the one short host so far; a host of one's own would be its name here.
SHORT_HOST: Final = ""
_CLAIM: Final = """
INSERT INTO roi.link_codes (folded_code, host, workspace_id, link_id) VALUES ($1, $2, $3, $4)
ON CONFLICT (folded_code, host) DO NOTHING RETURNING true
"""


async def claim(writer: Writer, code: str, link_id: str) -> bool:
    """Take the word for this link; False when it is in use."""
    taken = await writer.pg.fetchval(_CLAIM, folded(code), SHORT_HOST, writer.workspace_id, link_id)
    return taken is not None
