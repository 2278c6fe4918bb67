"""What a cost means: its owner, its currency, its days, hours and gifts; what it refuses."""

from typing import Any

from tests.integration.roi.roi_service import brand_running
from tests.integration.roi.test_catalog import basics


async def test_what_a_cost_refuses_names_the_field(owner_url: str) -> None:
    async with brand_running(owner_url) as brand:
        ids = await basics(brand)
        cost: dict[str, Any] = {"kind": "fee", "currency": "EUR"}
        owner = {"creator_id": ids["$creator"]}
        for body, fields in (
            (owner | {"amount": 5}, {"amount"}),
            (owner | {"amount": "5.001"}, {"amount"}),
            (owner | {"amount": "-5"}, {"amount"}),
            (owner | {"amount": "5", "currency": None}, {"currency"}),
            (owner | {"amount": "5", "currency": "XXQ"}, {"currency"}),
            (owner | {"amount": "5", "amount_minor": 500}, {"amount_minor"}),
            (owner, {"amount"}),
            (owner | {"amount": "5", "kind": "bribe"}, {"kind"}),
            (owner | {"amount": "5", "incurred_on": "2026-02-30"}, {"incurred_on"}),
            (owner | {"amount": "5", "from": "2026-03-02", "to": "2026-03-01"}, {"to"}),
            (owner | {"amount": "5", "spread": "likes"}, {"spread"}),
            (
                owner
                | {"amount": "5", "spread": "clicks", "from": "2026-01-01", "to": "2027-01-02"},
                {"to"},
            ),
            (owner | {"hours": "2"}, {"rate"}),
            (owner | {"rate": "20"}, {"hours"}),
            (owner | {"hours": 0, "rate": "20"}, {"hours"}),
            (owner | {"hours": "1e3", "rate": "20"}, {"hours"}),
            (owner | {"hours": 2, "rate": "-1"}, {"rate"}),
            (owner | {"hours": 2, "rate": "20", "amount": "40"}, {"amount"}),
            (
                owner | {"amount": "5", "retail_value": {"amount": "9", "currency": "USD"}},
                {"retail_value.currency"},
            ),
            (
                owner | {"amount": "5", "campaign_id": ids["$campaign"]},
                {"creator_id", "campaign_id"},
            ),
        ):
            refused = await brand.refused("POST", "/v1/costs", cost | body)
            assert (refused.status, set(refused.errors)) == (422, fields), body


async def test_a_cost_has_one_owner_a_currency_and_a_day(owner_url: str) -> None:
    async with brand_running(owner_url) as brand:
        ids = await basics(brand)
        cost: dict[str, Any] = {"kind": "fee", "currency": "EUR"}
        owner = {"creator_id": ids["$creator"]}
        made = await brand.post("/v1/costs", cost | owner | {"amount": "500.00"})
        assert made["amount"] == {"amount_minor": 50_000, "currency": "EUR"}
        assert made["incurred_on"]
        for spelling in ({"amount_minor": 50_000}, {"amount": {"amount_minor": 50_000}}):
            assert (await brand.post("/v1/costs", cost | owner | spelling))["amount"] == made[
                "amount"
            ]
        path = f"/v1/costs/{made['id']}"
        changed = await brand.ok("PATCH", path, {"amount": "1.5"})
        assert changed["amount"] == {"amount_minor": 150, "currency": "EUR"}
        changed = await brand.ok("PATCH", path, {"amount": {"amount_minor": 7, "currency": "JPY"}})
        assert changed["amount"] == {"amount_minor": 7, "currency": "JPY"}
        changed = await brand.ok("PATCH", path, {"amount_minor": 9})
        assert changed["amount"] == {"amount_minor": 9, "currency": "JPY"}
        moved = await brand.ok("PATCH", path, {"campaign_id": ids["$campaign"]})
        assert (moved["campaign_id"], moved["creator_id"]) == (ids["$campaign"], None)
        overhead = await brand.post("/v1/costs", cost | {"amount": "3"})
        assert [overhead[f"{kind}_id"] for kind in ("placement", "creator", "campaign")] == [
            None,
            None,
            None,
        ]
        assert all(record.id != made["id"] for record in await brand.records())


async def test_a_boost_names_its_placement_and_a_fee_its_agent(owner_url: str) -> None:
    """Neither is an owner: the cost stays where its owner is, or overhead."""
    async with brand_running(owner_url) as brand:
        ids = await basics(brand)
        agent = await brand.post("/v1/agents", {"name": "North"})
        cost: dict[str, Any] = {"amount": "5", "currency": "EUR", "incurred_on": "2026-03-01"}
        boost = cost | {"kind": "paid_boost", "boosts_placement_id": ids["$placement"]}
        made = await brand.post("/v1/costs", boost | {"campaign_id": ids["$campaign"]})
        assert made["boosts_placement_id"] == ids["$placement"]
        assert (made["placement_id"], made["agent_id"]) == (None, None)
        path = f"/v1/costs/{made['id']}"
        refused = await brand.refused("PATCH", path, {"kind": "fee"})
        assert set(refused.errors) == {"boosts_placement_id"}
        changed = await brand.ok(
            "PATCH", path, {"kind": "agent", "boosts_placement_id": None, "agent_id": agent["id"]}
        )
        assert (changed["agent_id"], changed["boosts_placement_id"]) == (agent["id"], None)
        assert changed["campaign_id"] == ids["$campaign"]
        await brand.post("/v1/costs", boost)
        days = "from=2026-03-01&to=2026-03-31"
        answer = await brand.ok("GET", f"/v1/roi?{days}")
        assert answer["overhead"]["cost"]["amount_minor"] == 500
        refused = await brand.refused("POST", "/v1/costs", cost | {"kind": "fee", "agent_id": "x"})
        assert set(refused.errors) == {"agent_id"}


async def test_a_cost_serves_its_days_or_its_month_within_its_campaign(owner_url: str) -> None:
    async with brand_running(owner_url) as brand:
        dates = {"name": "Spring", "starts_on": "2026-03-10", "ends_on": "2026-04-20"}
        spring = await brand.post("/v1/campaigns", dates)
        cost = {"kind": "fee", "amount": "1", "currency": "EUR", "incurred_on": "2026-03-02"}
        owner = {"campaign_id": spring["id"]}

        def days(shown: dict[str, Any]) -> tuple[str, str]:
            return shown["from"], shown["to"]

        assert days(await brand.post("/v1/costs", cost)) == ("2026-03-01", "2026-03-31")
        made = await brand.post("/v1/costs", cost | owner)
        assert days(made) == ("2026-03-10", "2026-03-31")
        path = f"/v1/costs/{made['id']}"
        # Another date of the campaign moves no cost; another day of the cost does.
        await brand.ok("PATCH", f"/v1/campaigns/{spring['id']}", {"starts_on": "2026-03-20"})
        assert days(await brand.ok("GET", path)) == ("2026-03-10", "2026-03-31")
        moved = await brand.ok("PATCH", path, {"incurred_on": "2026-05-02"})
        assert days(moved) == ("2026-04-01", "2026-04-20")
        given = await brand.ok("PATCH", path, {"from": "2026-03-15"})
        assert days(given) == ("2026-03-15", "2026-04-20")
        given = await brand.ok("PATCH", path, {"from": "2026-06-15"})
        assert days(given) == ("2026-06-15", "2026-06-30")
        given = await brand.ok("PATCH", path, {"from": None, "to": "2026-03-25"})
        assert days(given) == ("2026-03-01", "2026-03-25")


async def test_a_cost_says_how_it_is_spread(owner_url: str) -> None:
    async with brand_running(owner_url) as brand:
        ids = await basics(brand)
        cost = {"kind": "fee", "amount": "5", "currency": "EUR", "creator_id": ids["$creator"]}
        made = await brand.post("/v1/costs", cost)
        assert made["spread"] == "equal"
        year = {"spread": "credit", "from": "2026-01-01", "to": "2026-12-31"}
        path = f"/v1/costs/{made['id']}"
        changed = await brand.ok("PATCH", path, year)
        assert {name: changed[name] for name in year} == year
        kept = await brand.ok("PATCH", path, {"amount": "6"})
        assert kept["spread"] == "credit"
        assert (await brand.ok("PATCH", path, {"spread": None}))["spread"] == "equal"
        long = {"spread": "equal", "to": "2029-12-31"}
        assert (await brand.ok("PATCH", path, long))["spread"] == "equal"


async def test_a_cost_of_hours_and_a_gift(owner_url: str) -> None:
    async with brand_running(owner_url) as brand:
        cost = {"kind": "staff_hours", "currency": "EUR", "incurred_on": "2026-03-02"}
        made = await brand.post("/v1/costs", cost | {"hours": "7.25", "rate": "33.33"})
        assert made["amount"] == {"amount_minor": 24_164, "currency": "EUR"}
        assert (made["hours"], made["rate"]["amount_minor"]) == (7.25, 3_333)
        path = f"/v1/costs/{made['id']}"
        more = await brand.ok("PATCH", path, {"hours": 8})
        assert (more["hours"], more["amount"]["amount_minor"]) == (8, 26_664)
        dearer = await brand.ok("PATCH", path, {"rate": {"amount": "40", "currency": "USD"}})
        assert dearer["amount"] == {"amount_minor": 32_000, "currency": "USD"}
        told = await brand.ok("PATCH", path, {"note": "two people"})
        assert told["amount"] == dearer["amount"]
        plain = await brand.ok("PATCH", path, {"amount": "99"})
        assert (plain["amount"]["amount_minor"], plain["hours"], plain["rate"]) == (
            9_900,
            None,
            None,
        )
        gift = {"kind": "product", "amount": "12.50", "retail_value": "39.00"}
        given = await brand.post("/v1/costs", cost | gift | {"paid_on": "2026-03-09"})
        assert given["retail_value"] == {"amount_minor": 3_900, "currency": "EUR"}
        assert given["paid_on"] == "2026-03-09"
        kept = await brand.ok("PATCH", f"/v1/costs/{given['id']}", {"note": "beans"})
        assert (kept["retail_value"], kept["amount"]) == (given["retail_value"], given["amount"])
