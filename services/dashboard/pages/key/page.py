"""`/app/settings/keys/{id}`: one key; revoke it.

Promise: a revoked key works nowhere within a second, and never again.
"""

from typing import Final

from fastapi import Request, Response

from services.dashboard.layout.frame import Frame, body_of
from services.dashboard.layout.page_route import PageRouter
from services.dashboard.layout.settings_parts import KEYS, archived, thing_page
from services.dashboard.tables.texts import MISSING, moment_text

router = PageRouter()
KEY: Final = KEYS + "/{key_id}"
REVOKING: Final = (
    "Who uses it is refused within a second, and it never works again. If it is the key that you"
    " signed in with, you are signed out.",
    "Revoke this key",
)


@router.get(KEY)
async def key(request: Request, key_id: str) -> Response:
    """Show a key."""
    frame = await Frame.of(request)
    told = body_of(await frame.api.get("roi", f"/v1/keys/{key_id}"))
    zone = frame.workspace.time_zone
    revoked = told["deleted_at"]
    facts = (
        ("Name", told["name"] or MISSING),
        ("First letters", told["label"]),
        ("May", ", ".join(told["scopes"])),
        ("For web pages", "yes" if told["public"] else "no"),
        ("Pages", ", ".join(told["origins"]) or ("all" if told["public"] else MISSING)),
        ("Made", moment_text(told["created_at"], zone)),
        ("Revoked", MISSING if revoked is None else moment_text(revoked, zone)),
    )
    archive = REVOKING if revoked is None else None
    return thing_page(frame, ("Keys", KEYS), told["name"] or told["label"], facts, archive)


@router.post(f"{KEY}/archive")
async def revoke_key(request: Request, key_id: str) -> Response:
    """Revoke a key."""
    return await archived(await Frame.of(request), f"/v1/keys/{key_id}", KEYS)
