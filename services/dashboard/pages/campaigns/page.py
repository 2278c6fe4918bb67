"""`/app/campaigns`: campaigns with their figures, goals and budgets; the form that adds one.

Promise: the figures are those of the period; a budget and what is spent of it are of the whole
campaign. A campaign without a figure is in the table, too.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi import Request, Response

from services.dashboard.client.api import Failed, Got, made, together
from services.dashboard.layout.filters import chips
from services.dashboard.layout.forms import Form, given
from services.dashboard.layout.frame import Frame, MenuEntry
from services.dashboard.layout.page_route import PageRouter
from services.dashboard.pages.campaigns.campaign_form import FIELDS
from services.dashboard.pages.campaigns.panels import METRICS, Known, campaigns_table
from services.dashboard.pages.campaigns.spend import asked_spend

router = PageRouter()
CAMPAIGNS: Final = "/app/campaigns"
MENU = MenuEntry(30, "Campaigns", CAMPAIGNS)
OWN: Final = ("done",)
DONE: Final = {"archived": "The campaign is archived. Past figures stay."}
Json = Mapping[str, Any]


@router.get(CAMPAIGNS)
@router.get(f"{CAMPAIGNS}.csv")
async def campaigns(request: Request) -> Response:
    """Show the campaigns."""
    return await _page(await Frame.of(request, OWN), Form())


@router.post(CAMPAIGNS)
async def add_campaign(request: Request) -> Response:
    """Add a campaign."""
    frame = await Frame.of(request, OWN)
    fields = await frame.form()
    body = given(fields, *FIELDS)
    if "budget" not in body:
        body.pop("currency", None)
    answer = await frame.api.send("POST", "roi", "/v1/campaigns", json=body)
    if isinstance(answer, Failed):
        return await _page(frame, Form.refused(fields, answer, FIELDS), 422)
    return frame.leave(frame.view.carried(f"{CAMPAIGNS}/{answer.body['id']}", done="added"))


async def _page(frame: Frame, form: Form, status: int = 200) -> Response:
    ranked, known, spent, goals = await together(
        frame.roi(group_by="campaign", metrics=",".join(METRICS)),
        frame.api.items("roi", "/v1/campaigns"),
        frame.api.get("roi", "/v1/roi", asked_spend(frame, frame.currency, "cost")),
        frame.api.get("roi", "/v1/exports/goals.json"),
    )
    listed: Sequence[Json] = known.body if isinstance(known, Got) else ()
    beside = Known(
        listed,
        goals.body["items"] if isinstance(goals, Got) else None,
        spent.body if isinstance(spent, Got) else None,
    )
    done = DONE.get(frame.view.get("done") or "")
    return frame.page(
        "campaigns/campaigns.html",
        status=status,
        answers=(ranked,),
        tables={"campaigns": made(ranked, lambda body: campaigns_table(frame, body, beside))},
        missing=[
            (what, answer.sentence)
            for what, answer in (("Goals", goals), ("What is spent", spent), ("Campaigns", known))
            if isinstance(answer, Failed)
        ],
        chips=chips(frame.view, {one["id"]: one["name"] for one in listed}),
        form=form,
        toast=None if done is None else (done, None),
    )
