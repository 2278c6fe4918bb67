"""`/app/costs`: what was spent by kind and month, the costs that were entered, and the form.

Promise: the cost of the program is that of Overview for the same address, as long as costs count on
the day they were spent. The list has the costs of the same days as they were entered, each in its
own currency.
"""

import re
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from fastapi import Request, Response

from services.dashboard.client.api import (
    LIST_PAGES_MAX,
    PAGE_ITEMS,
    Answer,
    Failed,
    made,
    together,
)
from services.dashboard.client.catalog import Catalog
from services.dashboard.layout.forms import Form
from services.dashboard.layout.frame import Frame, MenuEntry
from services.dashboard.layout.page_route import PageRouter
from services.dashboard.pages.costs import panels
from services.dashboard.pages.costs.cost_form import (
    FIELDS,
    OTHER_NAMES,
    SPREADS,
    Choices,
    agent_choices,
    kind_choices,
    new_body,
    owner_choices,
)
from services.dashboard.tables.table import Table

router = PageRouter()
COSTS: Final = "/app/costs"
MENU = MenuEntry(60, "Costs", COSTS)
OWN: Final = ("cost_view", "done", "undo", "placement", "creator", "campaign")
DONE: Final = {
    "entered": "The cost is entered.",
    "saved": "The cost is saved.",
    "archived": "The cost is archived: no answer counts it.",
    "restored": "The cost counts again.",
}
_ID: Final = re.compile(r"[0-9a-f-]{36}")


@dataclass(frozen=True, slots=True)
class CostChoices:
    """The options of the form of a cost."""

    kinds: Choices
    owners: Choices
    boosted: Choices
    agents: Choices
    spreads: Any = SPREADS

    @classmethod
    def of(cls, frame: Frame, catalog: Catalog | Failed, agents: Answer) -> "CostChoices":
        """Return the options; without a catalog a cost can only be overhead."""
        if isinstance(catalog, Failed):
            catalog = Catalog({}, {}, {})
        boosted = [("", "none"), *catalog.placement_choices()]
        return cls(kind_choices(frame), owner_choices(catalog), boosted, agent_choices(agents))


@router.get(COSTS)
@router.get(f"{COSTS}.csv")
async def costs(request: Request) -> Response:
    """Show the costs and the form."""
    frame = await Frame.of(request, OWN)
    owner = next(
        (
            f"{kind}_id:{one}"
            for kind in ("placement", "creator", "campaign")
            if (one := frame.view.get(kind))
        ),
        "",
    )
    return await _page(frame, Form({"owner": owner}))


@router.post(COSTS)
async def enter_cost(request: Request) -> Response:
    """Enter a cost."""
    frame = await Frame.of(request, OWN)
    fields = await frame.form()
    answer = await frame.api.send("POST", "roi", "/v1/costs", json=new_body(fields))
    if isinstance(answer, Failed):
        return await _page(frame, Form.refused(fields, answer, FIELDS, OTHER_NAMES), 422)
    return frame.leave(frame.view.carried(f"{COSTS}/{answer.body['id']}", done="entered"))


async def _page(frame: Frame, form: Form, status: int = 200) -> Response:
    catalog = await Catalog.read(frame.api)
    view = panels.view_of(frame)
    asked = ",".join((panels.COST, *panels.METRICS.values()))
    figures, entered, agents = await together(
        frame.roi(group_by="month", metrics=asked, cost_view=view),
        frame.api.items("roi", "/v1/costs"),
        frame.api.items("roi", "/v1/agents"),
    )
    return frame.page(
        "costs/costs.html",
        status=status,
        answers=(figures,),
        tables={
            "kinds": made(figures, lambda body: panels.kinds_table(frame, body)),
            "months": made(figures, lambda body: panels.months_table(frame, body)),
            "costs": _list(frame, view, figures, entered, catalog),
        },
        chart=made(figures, lambda body: panels.months_chart(frame, body)),
        months_drawn=panels.MONTHS_DRAWN_MAX,
        entered=0 if isinstance(entered, Failed) else len(entered.body),
        entered_most=LIST_PAGES_MAX * PAGE_ITEMS,
        chosen_view=view,
        views=[
            (label, frame.view.link(cost_view=name if name != panels.INCURRED else None), name)
            for name, label in panels.VIEWS.items()
        ],
        form=form,
        choices=CostChoices.of(frame, catalog, agents),
        toast=toast_of(frame),
    )


def _list(
    frame: Frame, view: str, figures: Answer, entered: Answer, catalog: Catalog | Failed
) -> Table | Failed:
    """Return the list of the days that the figures tell of, or what failed."""
    for one in (figures, entered, catalog):
        if isinstance(one, Failed):
            return one
    assert not isinstance(figures, Failed)
    assert not isinstance(entered, Failed)
    assert not isinstance(catalog, Failed)
    meta = figures.body["meta"]
    first, last = (date.fromisoformat(meta[name][:10]).isoformat() for name in ("from", "to"))
    chosen = panels.in_period(entered.body, view, first, last)
    return panels.costs_table(frame, chosen, catalog)


def toast_of(frame: Frame) -> tuple[str, str | None] | None:
    """Return what was done, as the address tells it; what was archived can be undone."""
    told, archived = DONE.get(frame.view.get("done") or ""), frame.view.get("undo") or ""
    if told is None:
        return None
    may_undo = _ID.fullmatch(archived) and frame.workspace.may("write")
    return told, f"{COSTS}/{archived}/restore" if may_undo else None
