"""The KPI map of a policy in the funnel: more metrics at a stage, and no figure is moved."""

from datetime import timedelta
from typing import Any, Final

from services.roi.answers.dictionary import METRICS
from services.roi.domain.entity import Version
from shared.catalog import KPIS_MAX
from tests.fixtures.postgres import DatabaseFactory
from tests.integration.roi.roi_service import BrandClient, brand_running
from tests.integration.roi.roi_workspace import NOON, RoiWorkspace
from tests.integration.roi.test_funnel import Funnel, funnel_of, minor, of_stage

KPIS: Final = {
    "awareness": ["cpe", "clicks", "views", "engagement_rate_by_views"],
    "engagement": ["engagement_rate_by_views"],
    "purchase": ["orders_kept", "conversion_rate"],
}


async def a_reel(roi: RoiWorkspace) -> None:
    """Mia's reel cost 40.00: 1,000 views, 80 likes, 10 clicks, an order of 60.00."""
    reel = await roi.placement(await roi.creator("Mia"))
    await roi.cost(4_000, "2026-03-10", placement_id=reel)
    await roi.fold(
        roi.clicks(reel, NOON, 10),
        roi.counted(reel, NOON, views=1_000, likes=80),
        roi.order(6_000, NOON, {reel: (6_000, NOON)}),
    )


def without_kpis(funnel: Funnel) -> Funnel:
    """Return the rows and headline figures without what KPIS adds."""
    added = {
        ("awareness", "cost_per_unit"): {"cpe"},
        ("awareness", "volumes"): {"clicks"},
        ("awareness", "rates"): {"engagement_rate_by_views"},
        ("engagement", "rates"): {"engagement_rate_by_views"},
        ("purchase", "volumes"): {"orders_kept"},
        ("purchase", "rates"): {"conversion_rate"},
    }
    for figures in (*funnel["rows"], funnel["program"], funnel["brand"], funnel["totals"]):
        for stage in figures["stages"]:
            for group in ("volumes", "cost_per_unit", "rates"):
                for name in added.get((stage["stage"], group), ()):
                    del stage[group][name]
    return {name: funnel[name] for name in ("rows", "program", "brand", "totals")}


async def test_a_map_adds_figures_and_moves_none(database_for: DatabaseFactory) -> None:
    """By hand: CPE 40.00 ÷ 80; 80 ÷ 1,000 engagements a view; 1 ÷ 10 conversions a click."""
    roi = await RoiWorkspace.open(await database_for("roi"))
    await a_reel(roi)
    before = await funnel_of(roi)
    await roi.put("policy", {"kpis": KPIS, "margin_millionths": None})
    answer = await funnel_of(roi)
    (row,) = answer["rows"]
    awareness, purchase = of_stage(row, "awareness"), of_stage(row, "purchase")
    assert minor(awareness["cost_per_unit"]["cpe"]) == 50
    assert awareness["volumes"]["clicks"] == 10
    assert awareness["rates"] == {"engagement_rate_by_views": 0.08}
    assert of_stage(row, "engagement")["rates"] == {"engagement_rate_by_views": 0.08}
    assert purchase["volumes"] == {"orders_kept": 1, "purchases": 1}
    assert purchase["rates"] == {"conversion_rate": 0.1}
    # A rate of everything together would be of organic orders, too.
    assert of_stage(answer["totals"], "purchase")["rates"] == {"conversion_rate": None}
    assert answer["meta"]["metrics"]["orders_kept"]["version"] == METRICS["orders_kept"].version
    figures = without_kpis(answer)
    assert figures == {name: before[name] for name in figures}
    again = await funnel_of(roi, as_of=before["meta"]["as_of"])
    assert of_stage(again["program"], "purchase")["rates"] == {}


async def test_the_policy_of_the_last_day_says_what_is_shown(
    database_for: DatabaseFactory,
) -> None:
    roi = await RoiWorkspace.open(await database_for("roi"))
    await a_reel(roi)
    for first_at, kpis in (
        (None, {"purchase": ["orders_kept"]}),
        (NOON, {"purchase": ["orders_placed", "a_metric_of_later"]}),
        (NOON + timedelta(days=40), {}),
    ):
        facts: dict[str, Any] = {"kpis": kpis, "margin_millionths": None}
        await roi.put("policy", Version(facts, first_at))
    shown = {}
    for to in ("2026-03-10", "2026-03-11", "2026-12-31"):
        answer = await funnel_of(roi, to=to)
        shown[to] = set(of_stage(answer["program"], "purchase")["volumes"]) - {"purchases"}
    # A policy holds from the first day that begins with it: that after its noon.
    assert shown == {
        "2026-03-10": {"orders_kept"},
        "2026-03-11": {"orders_placed"},
        "2026-12-31": set(),
    }


async def shows_every_metric_that_may_be_shown(brand: BrandClient) -> None:
    """Each metric of the dictionary is either refused with its name, or is in the funnel."""
    path = f"/v1/policies/{(await brand.post('/v1/policies', {}))['id']}"
    taken: list[str] = []
    for name in METRICS:
        answer = await brand.call("PATCH", path, {"kpis": {"retention": [name]}})
        if answer.status_code == 200:
            taken.append(name)
        else:
            assert answer.status_code == 422
            assert name in answer.text
    assert {"clicks", "cpm", "conversion_rate"} <= set(taken)
    for start in range(0, len(taken), KPIS_MAX):
        names = taken[start : start + KPIS_MAX]
        changed = await brand.ok("PATCH", path, {"kpis": {"retention": names}})
        assert changed["kpis"] == {"retention": names}
        stage = of_stage((await brand.ok("GET", "/v1/funnel"))["program"], "retention")
        found = {*stage["volumes"], *stage["cost_per_unit"], *stage["rates"]}
        assert set(names) <= found
        file = await brand.call("GET", "/v1/exports/funnel.csv")
        assert all(f"retention.{group}.{name}" in file.text for group, name in of_groups(stage))


def of_groups(stage: Funnel) -> list[tuple[str, str]]:
    return [(group, name) for group in ("volumes", "rates") for name in stage[group]]


async def test_over_http(owner_url: str) -> None:
    async with brand_running(owner_url) as brand:
        await shows_every_metric_that_may_be_shown(brand)
