"""`/app/why?metric=…`: one figure, its formula with the values in it, and the entries behind it.

Every figure of the dashboard leads here with its filters. From here a part leads to its own page of
this kind, an entry to its order or cost, and an order to its events: three steps at most.

Promise: the figure is asked of the same answer with the same filters, so it is the one that was
followed. The entries have their sum, which is the figure.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi import Request, Response

from services.dashboard.client.api import Answer, Failed, made, together
from services.dashboard.client.catalog import Catalog
from services.dashboard.layout.frame import WHY, Frame
from services.dashboard.layout.page_route import PageRouter
from services.dashboard.pages.why.entries import entries_table
from services.dashboard.pages.why.formula import explained, parts_of_formula

router = PageRouter()
OWN: Final = ("metric", "cursor")
PAGE_ITEMS: Final = 50
HOW_MANY_DIMENSIONS: Final = 2
Json = Mapping[str, Any]


@router.get(WHY)
@router.get(f"{WHY}.csv")
async def why(request: Request) -> Response:
    """Show how a figure came about."""
    frame = await Frame.of(request, OWN)
    metric = frame.view.get("metric") or "net_revenue"
    told = frame.metrics.by_id.get(metric)
    if told is None:
        return frame.page("why/unknown.html", status=404, metric=metric, period=None)
    groups = grouping(frame.view.filters)
    asked = ",".join((metric, *parts_of_formula(metric, told, frame.metrics.by_id)))
    figures, entries, catalog = await together(
        frame.roi(group_by=",".join(groups) or "part", metrics=asked, compare=None),
        _entries(frame, metric),
        Catalog.answer(frame.api),
    )
    return frame.page(
        "why/why.html",
        answers=(figures,),
        metric=metric,
        told=told,
        figure=made(figures, lambda body: explained(frame, metric, told, groups, body)),
        figures=figures,
        has_entries=not (isinstance(entries, Failed) and "metric" in entries.fields),
        entries=entries,
        tables={"entries": made(entries, lambda body: entries_table(frame, metric, body, catalog))},
        next_page=None if isinstance(entries, Failed) else _next(frame, entries.body),
        filters=_chips(frame, figures),
    )


def grouping(filters: Sequence[tuple[str, str]]) -> Sequence[str]:
    """Return the dimensions that have one value in the filters: the figure is the row of these."""
    single = [name for name, value in filters if value and not value.startswith("-")]
    names = [name.removeprefix("filter.") for name in single if "," not in dict(filters)[name]]
    return names[:HOW_MANY_DIMENSIONS]


async def _entries(frame: Frame, metric: str) -> Answer:
    asked = frame.view.question(
        metric=metric, limit=str(PAGE_ITEMS), cursor=frame.view.get("cursor")
    )
    # Entries have the currency in which they were booked, and are of one period.
    left_out = ("currency", "compare")
    given = {name: value for name, value in asked.items() if name not in left_out}
    return await frame.api.get("roi", "/v1/entries", given)


def _next(frame: Frame, body: Json) -> str | None:
    cursor = body.get("next_cursor")
    return None if cursor is None else frame.view.link(cursor=cursor)


def _chips(frame: Frame, figures: Answer) -> Sequence[tuple[str, str]]:
    """Return each filter in words, with the address without it."""
    labels: Mapping[str, str] = {}
    if not isinstance(figures, Failed) and len(figures.body["rows"]) == 1:
        row = figures.body["rows"][0]
        if len(row["group"]) == 1:
            labels = {next(iter(row["group"])): row["label"]}
    found = []
    for name, value in frame.view.filters:
        dimension = name.removeprefix("filter.")
        words = f"{dimension.replace('_', ' ')}: {labels.get(dimension, value)}"
        found.append((words, frame.view.link(**{f"filter__{dimension}": None, "cursor": None})))
    return found
