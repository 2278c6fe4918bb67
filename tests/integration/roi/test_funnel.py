"""The funnel from real tables and over HTTP: the same figures as `GET /v1/roi`, stage by stage."""

import json
from itertools import product
from typing import Any, Final

import pytest

from services.roi.answers.funnel.answering import build_funnel, question_of_funnel, read_funnel
from services.roi.answers.funnel.funnel_shapes import FunnelAnswer
from services.roi.answers.funnel.stages import STAGES
from services.roi.answers.question import RoiParameters
from shared.credits import ORGANIC
from tests.fixtures.postgres import DatabaseFactory
from tests.integration.roi.random_brand import Brand
from tests.integration.roi.roi_service import brand_running
from tests.integration.roi.roi_workspace import NOON, RoiWorkspace

Funnel = dict[str, Any]
SPAN: Final = {"from": "2026-01-01", "to": "2026-12-31"}


@pytest.fixture
async def roi_workspace(database_for: DatabaseFactory) -> RoiWorkspace:
    return await RoiWorkspace.open(await database_for("roi"))


async def funnel_of(workspace: RoiWorkspace, group_by: str = "creator", **more: str) -> Funnel:
    """Return the JSON of a funnel, checked against the OpenAPI document."""
    asked = RoiParameters.model_validate({"group_by": group_by, **SPAN, **more})
    async with workspace.database.read([workspace.workspace_id]) as conn:
        question = question_of_funnel(asked)
        given = await read_funnel(conn, workspace.workspace_id, workspace.now, asked, question)
    body = build_funnel(given)
    FunnelAnswer.model_validate_json(body)
    decoded: Funnel = json.loads(body)
    return decoded


def of_stage(figures: Funnel, stage: str) -> Funnel:
    found: Funnel = next(each for each in figures["stages"] if each["stage"] == stage)
    return found


def minor(money: Any) -> Any:
    """An amount, or the amounts by currency."""
    if isinstance(money, list):
        return {item["currency"]: item["amount_minor"] for item in money}
    return None if money is None else money["amount_minor"]


def added(parts: list[Any]) -> Any:
    """The sum of amounts, by currency where there are several."""
    if not parts or not isinstance(parts[0], dict):
        return sum(parts)
    return {code: sum(part[code] for part in parts) for code in parts[0]}


def known(parts: list[Any]) -> list[Any]:
    """The amounts without those that are missing."""
    return [
        {code: amount or 0 for code, amount in part.items()} if isinstance(part, dict) else part
        for part in parts
        if part is not None
    ]


def assert_same(funnel: Funnel, measures: Funnel, *, within_minor: int = 0) -> None:
    """The stages together are the contribution of `GET /v1/roi`, for the same cost and clicks."""
    booked = added([minor(stage["return"]["booked"]) for stage in funnel["stages"]])
    wanted = added([minor(measures["profit"]), minor(measures["cost"])])
    if not isinstance(booked, dict):
        booked, wanted = {"": booked}, {"": wanted}
    for code, amount in wanted.items():
        assert abs(booked[code] - amount) <= within_minor, (code, booked, wanted)
    assert minor(funnel["cost"]) == minor(measures["cost"])
    assert of_stage(funnel, "consideration")["volumes"]["clicks"] == measures["clicks"]


def has_something(measures: Funnel) -> bool:
    """Whether a row of `GET /v1/roi` has a cost, a profit or clicks."""
    amounts = [minor(measures[name]) for name in ("cost", "profit")]
    values = [list(one.values()) if isinstance(one, dict) else [one] for one in amounts]
    return measures["clicks"] > 0 or any(value for one in values for value in one)


async def test_a_brand_with_every_kind_of_conversion(roi_workspace: RoiWorkspace) -> None:
    """Mia cost 40.00; 10 clicks, 2 leads, an order of 60.00, a later one of 20.00, 3 referrals."""
    mia = await roi_workspace.creator("Mia")
    reel = await roi_workspace.placement(mia)
    await roi_workspace.cost(4_000, "2026-03-10", placement_id=reel)
    clicks = roi_workspace.clicks(reel, NOON, 10)
    referred = roi_workspace.clicks(reel, NOON, 3, kind="referral", stage="advocacy")
    await roi_workspace.fold(
        clicks,
        referred,
        *(
            roi_workspace.order(0, NOON, {reel: (0, NOON)}, kind="lead", stage="consideration")
            for _ in range(2)
        ),
        roi_workspace.order(6_000, NOON, {reel: (6_000, NOON)}),
        roi_workspace.order(2_000, NOON, {reel: (2_000, NOON)}, stage="retention"),
        roi_workspace.order(500, NOON, {ORGANIC: (500, None)}),
    )
    answer = await funnel_of(roi_workspace)
    assert [row["label"] for row in answer["rows"]] == ["Mia"]
    row = answer["rows"][0]
    assert [stage["stage"] for stage in row["stages"]] == list(STAGES)
    consideration = of_stage(row, "consideration")
    assert consideration["volumes"]["clicks"] == 10
    assert consideration["volumes"]["leads"] == 2
    assert minor(consideration["cost_per_unit"]["cpc"]) == 400
    assert minor(consideration["cost_per_unit"]["cost_per_lead"]) == 2_000
    purchase = of_stage(row, "purchase")
    assert purchase["volumes"]["purchases"] == 1
    assert purchase["rate_from_previous"] == 0.1
    assert purchase["rate_of"] == {"volume": "purchases", "of": "clicks"}
    assert minor(purchase["return"]["booked"]) == 6_000
    assert purchase["return_per_cost"] == {"booked": 1.5, "modelled": None, "assumed": None}
    retention = of_stage(row, "retention")
    assert minor(retention["cost_per_unit"]["cost_per_retained_order"]) == 4_000
    assert retention["return_per_cost"]["booked"] == 0.5
    advocacy = of_stage(row, "advocacy")
    assert advocacy["volumes"]["referrals"] == 3
    assert row["bcr"] == {"booked": 2, "with_modelled": None, "with_assumed": None}
    assert minor(row["cost"]) == 4_000
    assert row["stages"] == answer["program"]["stages"]
    totals = of_stage(answer["totals"], "purchase")
    assert minor(totals["return"]["booked"]) == 6_500
    assert answer["totals"]["bcr"]["booked"] is None
    assert totals["return_per_cost"]["booked"] is None


async def value_rate(roi: RoiWorkspace, per: str, amount: str, **more: Any) -> str:
    """A value rate in euros from the first of March on, as the API stores it."""
    facts = {"kind": "value", "per": per, "amount": amount, "currency": "EUR", "into": None}
    entity_id = more.pop("entity_id", None)
    facts |= {"platform": None, "valid_from": "2026-03-01"} | more
    return await roi.put("rate", facts, entity_id=entity_id)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("group_by", ["creator", "campaign", "platform,day", "content_type"])
async def test_stages_add_up_in_every_breakdown(
    roi_workspace: RoiWorkspace, seed: int, group_by: str
) -> None:
    brand = Brand(roi_workspace, seed)
    await brand.start()
    await roi_workspace.margin(333_333, NOON)
    await value_rate(roi_workspace, "view", "0.003333")
    await value_rate(roi_workspace, "like", "0.07", valid_from="2026-01-01")
    await value_rate(roi_workspace, "lead", "7.77", valid_from="2026-03-12")
    await value_rate(roi_workspace, "lead", "1.11", valid_from="2026-01-01")
    for _ in range(4):
        await roi_workspace.fold(*brand.records(10))
        await brand.step()
    funnel = await funnel_of(roi_workspace, group_by)
    roi = await roi_workspace.ask(group_by)
    for name in ("program", "brand"):
        assert_same(funnel[name], roi[name])
    measures = {tuple(row["group"].values()): row["measures"] for row in roi["rows"]}
    shown = {tuple(row["group"].values()): row for row in funnel["rows"]}
    for group, row in shown.items():
        # Each of the two stages with orders, and the whole, is rounded by less than one unit.
        assert_same(row, measures[group], within_minor=2)
    brought = [group for group, row in measures.items() if has_something(row)]
    assert brought
    assert [group for group in brought if group not in shown] == []
    for stage, layer in product(STAGES, ("booked", "assumed")):
        rows = known([minor(of_stage(row, stage)["return"][layer]) for row in funnel["rows"]])
        wholes = known(
            [minor(of_stage(funnel[n], stage)["return"][layer]) for n in ("program", "brand")]
        )
        assert added(rows) == added(wholes), (stage, layer)
    valued = known([minor(of_stage(funnel["program"], "consideration")["return"]["assumed"])])
    assert valued, "leads are valued"


async def test_over_http(owner_url: str) -> None:
    async with brand_running(owner_url) as brand:
        answer = await brand.ok("GET", "/v1/funnel")
        assert answer["rows"] == []
        assert answer["program"]["gaps"][-1] == "no content serves advocacy"
        assert answer["meta"]["group_by"] == ["creator"]
        for group_by in ("model", "stage", "creator,stage"):
            refused = await brand.refused("GET", f"/v1/funnel?group_by={group_by}")
            assert (refused.status, list(refused.errors)) == (422, ["group_by"])
        for name, value in (("metrics", "roi"), ("compare", "year"), ("order", "lower_bound")):
            refused = await brand.refused("GET", f"/v1/funnel?{name}={value}")
            assert (refused.status, list(refused.errors)) == (422, [name])
        refused = await brand.refused("GET", "/v1/funnel?colour=red")
        assert (refused.status, list(refused.errors)) == (422, ["colour"])
        reader = await brand.with_key(["track"])
        assert (await reader.call("GET", "/v1/funnel")).status_code == 403
