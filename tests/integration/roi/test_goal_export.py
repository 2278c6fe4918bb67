"""The export of goals over real HTTP: each line is one goal as of a moment, with its progress."""

import pytest

from services.roi.answers import sizes
from services.roi.routes import goal_export
from shared.log.postgres import PostgresLog
from tests.integration.roi.roi_service import brand_running
from tests.integration.roi.test_exports import as_csv, attribution_log, of, shown, small_brand

__all__ = ["attribution_log"]
MARCH = {"starts_on": "2026-03-01", "ends_on": "2026-03-31"}


async def test_goals_have_the_figures_of_their_progress(
    owner_url: str, attribution_log: PostgresLog
) -> None:
    async with brand_running(owner_url) as brand:
        await small_brand(brand, attribution_log, ["EUR"])
        made = [
            await brand.post(
                "/v1/goals", {"name": name, "metric": metric, "target": target, **MARCH}
            )
            for name, metric, target in (("-Sales", "net_revenue", "40.00"), ("Ratio", "roas", "9"))
        ]
        lines = await as_csv(brand, "goals.csv")
        by_id = {line["goal_id"]: line for line in of(lines, "row")}
        assert set(by_id) == {goal["id"] for goal in made}
        for goal in made:
            line = by_id[goal["id"]]
            told = await brand.ok("GET", f"/v1/goals/{goal['id']}/progress")
            assert line["actual"] == shown(told["actual"])
            assert line["forecast"] == shown(told["forecast"]["value"])
            assert line["status"] == told["status"]
            assert line["problem"] == ""
        sales = by_id[made[0]["id"]]
        assert (sales["name"], sales["target"], sales["currency"]) == ("'-Sales", "40.00", "EUR")
        assert lines[-1] == {**dict.fromkeys(lines[-1], ""), "line": "totals"}
        as_of = (await brand.ok("GET", "/v1/exports/goals.json"))["meta"]["as_of"]
        before = of(lines, "row")
        await brand.ok("PATCH", f"/v1/goals/{made[0]['id']}", {"name": "Sales", "target": "50.00"})
        await brand.ok("DELETE", f"/v1/goals/{made[1]['id']}")
        (left,) = of(await as_csv(brand, "goals.csv"), "row")
        assert (left["name"], left["target"]) == ("Sales", "50.00")
        # As of a moment each goal is as it was set then, also one that is archived by now.
        then = of(await as_csv(brand, f"goals.csv?as_of={as_of}"), "row")
        for known, again in zip(before, then, strict=True):
            for name in ("goal_id", "name", "target", "actual"):
                assert again[name] == known[name], name
        old = "2026-01-01T00:00:00Z"
        assert of(await as_csv(brand, f"goals.csv?as_of={old}"), "row") == []


async def test_a_goal_without_figures_tells_why_in_its_own_line(
    owner_url: str, attribution_log: PostgresLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The costs are too many for an answer, which the other goal does not need."""
    async with brand_running(owner_url) as brand:
        await small_brand(brand, attribution_log, ["EUR"])
        for metric, target in (("net_revenue", "40.00"), ("roas", "9")):
            await brand.post("/v1/goals", {"metric": metric, "target": target, **MARCH})
        monkeypatch.setattr(sizes, "CATALOG_ROWS_MAX", 1)
        monkeypatch.setattr(goal_export, "PAGE_ROWS", 1)
        lines = await as_csv(brand, "goals.csv")
        assert [line["line"] for line in lines] == ["row", "row", "totals"]
        by_metric = {line["metric"]: line for line in lines}
        of_costs, of_sales = by_metric["roas"], by_metric["net_revenue"]
        assert (of_costs["target"], of_costs["actual"]) == ("9.0", "")
        assert "more than 1 costs" in of_costs["problem"]
        assert (of_sales["actual"], of_sales["problem"]) == ("49.91", "")
