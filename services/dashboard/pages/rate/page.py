"""`/app/settings/rates/{id}`: one rate; archive it.

Promise: after the archiving the rate before it holds. Archiving is offered to keys that may write.
"""

from collections.abc import Mapping
from typing import Any, Final

from fastapi import Request, Response

from services.dashboard.layout.frame import Frame, body_of
from services.dashboard.layout.page_route import PageRouter
from services.dashboard.layout.settings_parts import RATES, archived, thing_page
from services.dashboard.tables.texts import day_text

router = PageRouter()
RATE: Final = RATES + "/{rate_id}"
ARCHIVING: Final = ("The rate before it holds again.", "Archive this rate")


@router.get(RATE)
async def rate(request: Request, rate_id: str) -> Response:
    """Show a rate."""
    frame = await Frame.of(request)
    told = body_of(await frame.api.get("roi", f"/v1/rates/{rate_id}"))
    is_offered = frame.workspace.may("write") and told["deleted_at"] is None
    facts = [
        ("Rate", rate_text(told)),
        ("From", day_text(told["valid_from"])),
        ("Added", day_text(told["created_at"][:10])),
    ]
    if told["kind"] == "value":
        facts.insert(1, ("Platform", told["platform"] or "all that have no rate of their own"))
    archive = ARCHIVING if is_offered else None
    return thing_page(frame, ("Rates", RATES), rate_text(told), facts, archive)


@router.post(f"{RATE}/archive")
async def archive_rate(request: Request, rate_id: str) -> Response:
    """Archive a rate."""
    return await archived(await Frame.of(request), f"/v1/rates/{rate_id}", RATES)


def rate_text(told: Mapping[str, Any]) -> str:
    """Return a rate in words."""
    unit, into = told["per"] or told["currency"], told["into"] or told["currency"]
    return f"1 {unit} is worth {told['amount']} {into}"
