"""Answers remembered for a repeated POST: found by workspace and Idempotency-Key, for ever.

Promise: written in the transaction of the effects under the workspace's lock, so two equal requests at once have one effect and one answer.
Only hashes of the key and of the body are kept.
"""

import hashlib
import hmac
import json
from typing import Any, Final

from services.roi.store.catalog import Writer

_FIND: Final = """
SELECT body_mac, answer::text AS answer FROM roi.idempotency WHERE key_sha256 = $1 AND workspace_id = $2
"""
_REMEMBER: Final = """
INSERT INTO roi.idempotency (key_sha256, workspace_id, body_mac, answer, recorded_at)
VALUES ($1, $2, $3, $4::text::jsonb, $5)
"""


class OtherBody(Exception):
    """The key was used before, with another path or body."""


async def remembered(writer: Writer, key: str, body_mac: bytes) -> dict[str, Any] | None:
    """The answer given before under this key, None for a new key; raises `OtherBody`."""
    row = await writer.pg.fetchrow(_FIND, _sha256(key), writer.workspace_id)
    if row is None:
        return None
    if not hmac.compare_digest(row["body_mac"], body_mac):
        raise OtherBody
    answer: dict[str, Any] = json.loads(row["answer"])
    return answer


async def remember(writer: Writer, key: str, body_mac: bytes, answer: dict[str, Any]) -> None:
    """Keep the answer with the effects."""
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
