"""Migration 0010 of roi: costs of an older release serve their month, within their campaign."""

import json
from datetime import date
from typing import Any

import asyncpg
from sqlalchemy.engine import make_url

from shared.db.migrate import move_history
from tests.fixtures.postgres import DatabaseFactory
from tests.integration.roi.catalog_facts import cost_facts
from tests.integration.roi.roi_workspace import RoiWorkspace

DAYS = "SELECT from_on, to_on FROM roi.cost_versions WHERE cost_id = $1 ORDER BY recorded_at"
MARGINS = "SELECT margin_millionths FROM roi.policy_versions ORDER BY valid_from"
NEW_FACTS = ("serves_from", "serves_to")


def old_cost(incurred_on: str, **owner: str) -> dict[str, Any]:
    """The facts of a cost as release 0.1 wrote them."""
    facts = cost_facts(100, incurred_on, **owner)
    return {name: value for name, value in facts.items() if name not in NEW_FACTS}


async def test_old_costs_serve_their_month_within_their_campaign(
    fresh_database: str, database_for: DatabaseFactory
) -> None:
    await move_history(fresh_database, "roi", "0009")
    roi = await RoiWorkspace.open(await database_for("roi", url=fresh_database))
    dates = {"starts_on": "2026-03-10", "ends_on": "2026-04-20"}
    spring = await roi.campaign("Spring", **dates)
    endless = await roi.campaign("Endless", starts_on=None, ends_on=None)
    mia = await roi.creator("Mia")
    expected = {
        await roi.put("cost", old_cost(day, **owner)): (
            date.fromisoformat(a),
            date.fromisoformat(b),
        )
        for day, owner, a, b in (
            ("2026-02-14", {"creator_id": mia}, "2026-02-01", "2026-02-28"),
            ("2026-12-31", {"campaign_id": endless}, "2026-12-01", "2026-12-31"),
            ("2026-03-02", {"campaign_id": spring}, "2026-03-10", "2026-03-31"),
            ("2026-02-02", {"campaign_id": spring}, "2026-03-10", "2026-03-31"),
            ("2026-04-01", {"campaign_id": spring}, "2026-04-01", "2026-04-20"),
            ("2026-07-01", {"campaign_id": spring}, "2026-04-01", "2026-04-20"),
        )
    }
    corrected = next(iter(expected))
    await roi.put("cost", old_cost("2026-03-05", creator_id=mia), entity_id=corrected)
    await roi.margin(1_000_000)
    await roi.margin(400_000, roi.now)
    await move_history(fresh_database, "roi", "head")
    url = make_url(fresh_database)
    owner = await asyncpg.connect(user=url.username, database=url.database, host=url.query["host"])
    try:
        for cost, days in expected.items():
            rows = [tuple(row) for row in await owner.fetch(DAYS, cost)]
            march = (date(2026, 3, 1), date(2026, 3, 31))
            assert rows == ([days, march] if cost == corrected else [days])
        margins = [row[0] for row in await owner.fetch(MARGINS)]
        assert sorted(margins, key=str) == [400_000, None]
        overhead = await roi.cost(5, "2026-03-01")
        await move_history(fresh_database, "roi", "0009")
        left = await owner.fetch(
            "SELECT entity_id::text, facts::text FROM roi.versions WHERE entity = 'cost'"
        )
        assert {row[0] for row in left} == set(expected)
        assert not any(name in json.loads(row[1]) for row in left for name in NEW_FACTS)
        known = "SELECT count(*) FROM roi.entities WHERE id = $1"
        assert await owner.fetchval(known, overhead) == 0
        assert {row[0] for row in await owner.fetch(MARGINS)} == {400_000, 1_000_000}
        await move_history(fresh_database, "roi", "head")
    finally:
        await owner.close()
