"""Overview: headline figures with their chart, the six stages, creators, goals, what needs care.

Promise: headline, chart and the table under it are one answer, so they add up. Each panel is one
call; all run at once, and a panel that fails says so and leaves the others.
"""

from typing import Final

from fastapi import Request, Response
from starlette.responses import RedirectResponse

from services.dashboard.client.api import Failed, made, together
from services.dashboard.layout.filters import chips
from services.dashboard.layout.frame import HOME, Frame, MenuEntry
from services.dashboard.layout.goal_table import goals_table
from services.dashboard.layout.page_route import PageRouter
from services.dashboard.layout.stage_table import stages_chart, stages_table
from services.dashboard.layout.trend import (
    ASKED,
    METRIC,
    chosen_metric,
    headline_tabs,
    trend_of,
)
from services.dashboard.pages.first_run.steps import card
from services.dashboard.pages.overview.panels import attention_of, creators_table
from services.dashboard.tables.series import grain_of

router = PageRouter()
MENU = MenuEntry(10, "Overview", HOME)
OWN: Final = (METRIC,)


@router.get("/")
@router.get("/app")
@router.get("/app/")
async def front(request: Request) -> Response:
    """Lead to the overview."""
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(HOME + query, 303)


@router.get(HOME)
@router.get(f"{HOME}.csv")
async def overview(request: Request) -> Response:
    """Show the overview."""
    frame = await Frame.of(request, OWN)
    metric = chosen_metric(frame)
    grain = grain_of(frame.view.first, frame.view.last, frame.today)
    trend, creators, funnel, goals, attention = await together(
        frame.roi(group_by=f"part,{grain}", metrics=ASKED),
        frame.roi(group_by="creator", metrics=ASKED),
        frame.funnel(group_by="creator"),
        frame.api.get("roi", "/v1/exports/goals.json"),
        frame.api.get("attribution", "/v1/attention"),
    )
    chart = made(trend, lambda body: trend_of(frame, metric, grain, body, body["program"]))
    return frame.page(
        "overview/overview.html",
        answers=(trend, creators, funnel),
        tables={
            "creators": made(creators, lambda body: creators_table(frame, body)),
            "trend": chart if isinstance(chart, Failed) else chart.table,
            "stages": made(funnel, lambda body: stages_table(frame, body["program"])),
            "goals": made(goals, lambda body: goals_table(frame, body["items"])),
        },
        tabs=made(trend, lambda body: headline_tabs(frame, metric, body["program"])),
        chart=chart,
        stages_drawing=made(funnel, lambda body: stages_chart(frame, body["program"])),
        gaps=made(funnel, lambda body: body["program"]["gaps"]),
        chips=chips(frame.view),
        attention=made(attention, attention_of),
        steps=await card(frame, trend, goals),
    )
