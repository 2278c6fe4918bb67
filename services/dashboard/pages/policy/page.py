"""`/app/settings/policies/{id}`: what rules say; archive them.

Promise: archiving is offered to admin keys. Orders that followed the rules are counted again.
"""

from typing import Final

from fastapi import Request, Response

from services.dashboard.layout.frame import Frame, body_of
from services.dashboard.layout.page_route import PageRouter
from services.dashboard.layout.settings_parts import POLICIES, archived, thing_page
from services.dashboard.pages.policies.policy_texts import policy_facts, since_text

router = PageRouter()
POLICY: Final = POLICIES + "/{policy_id}"
ARCHIVING: Final = (
    "Orders that follow these rules will follow those before them, and are counted again.",
    "Archive these rules",
)


@router.get(POLICY)
async def policy(request: Request, policy_id: str) -> Response:
    """Show rules."""
    frame = await Frame.of(request)
    told = body_of(await frame.api.get("roi", f"/v1/policies/{policy_id}"))
    zone = frame.workspace.time_zone
    is_offered = frame.workspace.may("admin") and told["deleted_at"] is None
    return thing_page(
        frame,
        ("Rules", POLICIES),
        f"Rules for orders {since_text(told, zone)}",
        policy_facts(told, zone),
        ARCHIVING if is_offered else None,
    )


@router.post(f"{POLICY}/archive")
async def archive_policy(request: Request, policy_id: str) -> Response:
    """Archive rules."""
    return await archived(await Frame.of(request), f"/v1/policies/{policy_id}", POLICIES)
