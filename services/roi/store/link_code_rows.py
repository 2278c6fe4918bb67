"""The SQL of link codes in use, over all workspaces of a short host.

Promise: a code is claimed once and stays with its link for ever, also when the link is archived,
because its URL is already published. A taken code reveals nothing about its owner.
"""

from typing import Final

from services.roi.domain.link_codes import folded
from services.roi.store.catalog import Writer

# All links use the one short host of the installation, stored as the empty text.
SHORT_HOST: Final = ""
_CLAIM: Final = """
INSERT INTO roi.link_codes (folded_code, host, workspace_id, link_id) VALUES ($1, $2, $3, $4)
ON CONFLICT (folded_code, host) DO NOTHING RETURNING true
"""


async def claim(writer: Writer, code: str, link_id: str) -> bool:
    """Claim the code for this link; return False when it is in use."""
    taken = await writer.pg.fetchval(_CLAIM, folded(code), SHORT_HOST, writer.workspace_id, link_id)
    return taken is not None
