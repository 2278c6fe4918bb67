"""The SQL of idempotent POSTs: answers stored by workspace and Idempotency-Key, kept for ever.

Promise: an answer is stored in the transaction of its effects, under the workspace's lock. So two
equal requests at the same time have one effect and the same answer. Of the key and of the body only
hashes are stored.
"""

import hashlib
import hmac
import json
from typing import Any, Final

from services.roi.store.catalog import Writer

_FIND: Final = """
SELECT body_mac, answer::text AS answer FROM roi.idempotency
 WHERE key_sha256 = $1 AND workspace_id = $2
"""
_REMEMBER: Final = """
INSERT INTO roi.idempotency (key_sha256, workspace_id, body_mac, answer, recorded_at)
VALUES ($1, $2, $3, $4::text::jsonb, $5)
"""


class OtherBody(Exception):
    """The Idempotency-Key was used before with another path or body."""


async def remembered(writer: Writer, key: str, body_mac: bytes) -> dict[str, Any] | None:
    """Return the stored answer, None for a new key; raise `OtherBody` for another request."""
    row = await writer.pg.fetchrow(_FIND, _sha256(key), writer.workspace_id)
    if row is None:
        return None
    if not hmac.compare_digest(row["body_mac"], body_mac):
        raise OtherBody
    answer: dict[str, Any] = json.loads(row["answer"])
    return answer


async def remember(writer: Writer, key: str, body_mac: bytes, answer: dict[str, Any]) -> None:
    """Store the answer in the transaction of its effects."""
    await writer.pg.execute(
        _REMEMBER,
        _sha256(key),
        writer.workspace_id,
        body_mac,
        json.dumps(answer),
        writer.recorded_at,
    )


def _sha256(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
