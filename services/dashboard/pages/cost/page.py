"""`/app/costs/{id}`: one cost, the rows that carry it, its correction, archiving and restoring.

Promise: the parts are those of `GET /v1/entries` on the day of the cost; together they are its
amount, and the page says so only when it is so.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from fastapi import Request, Response

from services.dashboard.client.api import Answer, Failed, made, together
from services.dashboard.client.catalog import Catalog
from services.dashboard.layout.forms import Form
from services.dashboard.layout.frame import Frame, body_of
from services.dashboard.layout.page_route import PageRouter
from services.dashboard.pages.costs.cost_form import (
    FIELDS,
    OTHER_NAMES,
    SPREADS,
    body_again,
    corrected_body,
    values_of,
)
from services.dashboard.pages.costs.page import COSTS, CostChoices, toast_of
from services.dashboard.pages.costs.panels import COST, METRICS, hours_text
from services.dashboard.tables.table import Cell, Column, Row, Table
from services.dashboard.tables.texts import (
    MISSING,
    day_text,
    figure_cell,
    moment_text,
    money_text,
    percent_text,
)

router = PageRouter()
ONE: Final = COSTS + "/{cost_id}"
OWN: Final = ("done",)
_SPREAD_SENTENCES: Final = {value: f"{label}: {told}" for value, label, told in SPREADS}
Json = Mapping[str, Any]


@router.get(ONE)
@router.get(f"{ONE}.csv")
async def cost(request: Request, cost_id: str) -> Response:
    """Show a cost."""
    return await _page(await Frame.of(request, OWN), cost_id, None)


@router.post(ONE)
async def correct_cost(request: Request, cost_id: str) -> Response:
    """Correct a cost."""
    frame = await Frame.of(request, OWN)
    fields = await frame.form()
    body = corrected_body(fields)
    answer = await frame.api.send("PATCH", "roi", f"/v1/costs/{cost_id}", json=body)
    if isinstance(answer, Failed):
        form = Form.refused(fields, answer, FIELDS, OTHER_NAMES)
        return await _page(frame, cost_id, form, 422)
    return frame.leave(frame.view.carried(f"{COSTS}/{cost_id}", done="saved"))


@router.post(f"{ONE}/archive")
async def archive_cost(request: Request, cost_id: str) -> Response:
    """Archive a cost; the next page offers to undo that."""
    frame = await Frame.of(request, OWN)
    await frame.form()
    body_of(await frame.api.send("DELETE", "roi", f"/v1/costs/{cost_id}"))
    return frame.leave(frame.view.carried(COSTS, done="archived", undo=cost_id))


@router.post(f"{ONE}/restore")
async def restore_cost(request: Request, cost_id: str) -> Response:
    """Enter an archived cost again as it was.

    With an external id it is the same object; without one the API has no way back, so it is a new
    object. A cost that is in use stays as it is, so two undos are one.
    """
    frame = await Frame.of(request, OWN)
    await frame.form()
    found = body_of(await frame.api.get("roi", f"/v1/costs/{cost_id}"))
    restored = found
    if found["deleted_at"] is not None:
        restored = body_of(await _entered_again(frame, found))
    return frame.leave(frame.view.carried(f"{COSTS}/{restored['id']}", done="restored"))


async def _entered_again(frame: Frame, found: Json) -> Answer:
    body, external_id = body_again(found), found["external_id"]
    if external_id is None:
        return await frame.api.send("POST", "roi", "/v1/costs", json=body)
    path = f"/v1/costs/by-external-id/{quote(external_id, safe='')}"
    return await frame.api.send("PUT", "roi", path, json=body)


async def _page(frame: Frame, cost_id: str, form: Form | None, status: int = 200) -> Response:
    found = body_of(await frame.api.get("roi", f"/v1/costs/{cost_id}"))
    catalog = await Catalog.read(frame.api)
    day = found["incurred_on"]
    entries, agents = await together(
        frame.api.items(
            "roi",
            "/v1/entries",
            {"metric": METRICS[found["kind"]], "from": day, "to": day},
        ),
        frame.api.items("roi", "/v1/agents", {"include_archived": "true"}),
    )
    names = Catalog({}, {}, {}) if isinstance(catalog, Failed) else catalog
    return frame.page(
        "cost/cost.html",
        status=status,
        cost=found,
        name=frame.metrics.name(METRICS[found["kind"]]),
        facts=facts_of(frame, found, names, agents),
        tables={"parts": made(entries, lambda items: parts_table(frame, found, items, names))},
        carried=made(entries, lambda items: carried_minor(found, items)),
        form=form or Form(values_of(found)),
        choices=CostChoices.of(frame, catalog, agents),
        toast=toast_of(frame),
        period=None,
    )


def facts_of(
    frame: Frame, found: Json, catalog: Catalog, agents: Answer
) -> Sequence[tuple[str, Any]]:
    """Return what the cost is; what it does not have is left out."""
    paid_to = {} if isinstance(agents, Failed) else {one["id"]: one["name"] for one in agents.body}
    days = f"{day_text(found['from'])} to {day_text(found['to'])}"
    facts: list[tuple[str, Any]] = [
        ("Amount", figure_cell(COST, found["amount"], note=hours_text(found))),
        ("Spent for", catalog.owner(found)),
        ("Spent on", day_text(found["incurred_on"])),
        ("Serves", days),
        ("Shared", _SPREAD_SENTENCES[found["spread"]]),
        ("Paid on", day_text(found["paid_on"]) if found["paid_on"] else "not yet"),
    ]
    if found["retail_value"]:
        facts.append(("Price in the shop", money_text(found["retail_value"])))
    if found["boosts_placement_id"]:
        facts.append(("Boosts", catalog.placement(found["boosts_placement_id"])))
    if found["agent_id"]:
        facts.append(("Paid to", paid_to.get(found["agent_id"], found["agent_id"])))
    if found["note"]:
        facts.append(("Note", found["note"]))
    if found["external_id"]:
        facts.append(("Your own id", found["external_id"]))
    entered_at = moment_text(found["created_at"], frame.workspace.time_zone)
    return (*facts, ("Entered", entered_at))


def parts_table(frame: Frame, found: Json, items: Sequence[Json], catalog: Catalog) -> Table:
    """Return the parts of the cost and who carries each, the greatest first."""
    columns = (
        Column("carried_by", "Carried by"),
        Column("published", "Published", "date"),
        Column("part", "Part", "number"),
        Column("share", "Share", "number"),
    )
    whole = found["amount"]["amount_minor"]
    own = sorted(_of(found, items), key=lambda item: -int(item["value"]["amount_minor"]))
    rows = [_part_row(frame, found, item, catalog, whole) for item in own]
    total = {**found["amount"], "amount_minor": carried_minor(found, items)}
    foot = Row(
        (Cell("All parts", "parts"), Cell(""), figure_cell(COST, total), _share(total, whole)),
        "total",
    )
    return Table("parts", "Who carries the cost", columns, rows, (foot,) if rows else ())


def _part_row(frame: Frame, found: Json, item: Json, catalog: Catalog, whole: int) -> Row:
    account = item["account"]
    placement = catalog.placements.get(account or "", {})
    creator = placement.get("creator_id")
    name = catalog.placement(account) if account else _nobody(found)
    href = frame.view.carried(f"/app/creators/{creator}") if creator else None
    return Row(
        (
            Cell(name, name, href=href),
            _moment(placement.get("published_at"), frame.workspace.time_zone),
            figure_cell(COST, item["value"]),
            _share(item["value"], whole),
        ),
        "row" if account else "unallocated",
    )


def _moment(moment: str | None, zone: str) -> Cell:
    return Cell(MISSING) if moment is None else Cell(moment_text(moment, zone), moment)


def _nobody(found: Json) -> str:
    is_owned = any(found[name] for name in ("placement_id", "creator_id", "campaign_id"))
    return "nobody yet: no content was published by its last day" if is_owned else "overhead"


def _share(value: Json, whole: int) -> Cell:
    if not whole:
        return Cell(MISSING)
    share = value["amount_minor"] / whole
    return Cell(percent_text(share), f"{share:.6f}")


def carried_minor(found: Json, items: Sequence[Json]) -> int:
    """Return the sum of the parts of the cost."""
    return sum(int(item["value"]["amount_minor"]) for item in _of(found, items))


def _of(found: Json, items: Sequence[Json]) -> Sequence[Json]:
    return [item for item in items if item["cost_id"] == found["id"]]
