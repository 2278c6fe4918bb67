"""The stored facts of placements and costs, as the catalog keeps them."""

from datetime import date
from typing import Any

from services.roi.domain.cost_span import default_span


def placement_facts(
    creator_id: str | None,
    campaign_id: str | None = None,
    platform: str | None = None,
    *,
    automatic: bool = False,
) -> dict[str, Any]:
    """The facts of a placement."""
    return {
        "creator_id": creator_id,
        "campaign_id": campaign_id,
        "platform": platform,
        "is_brand": creator_id is None,
        "automatic": automatic,
    }


def cost_facts(
    amount_minor: int,
    incurred_on: str,
    currency: str = "EUR",
    *,
    serves_from: str | None = None,
    serves_to: str | None = None,
    **owner: str,
) -> dict[str, Any]:
    """The facts of a cost; it serves the given days, else the month of its day."""
    month = default_span(date.fromisoformat(incurred_on), None, None)
    owners = {"placement_id": None, "creator_id": None, "campaign_id": None} | owner
    amount = {"amount_minor": amount_minor, "currency": currency}
    days = {
        "serves_from": serves_from or month.from_on.isoformat(),
        "serves_to": serves_to or month.to_on.isoformat(),
    }
    return {"kind": "fee", "amount": amount, "incurred_on": incurred_on, **owners, **days}
