"""Costs: figures that are those of the API, entering one, who carries it, its undo."""

import html
from collections.abc import Callable
from decimal import Decimal

import pytest

from tests.e2e.installation import Brand, Installation, Json
from tests.integration.dashboard.site import Visitor

pytestmark = [pytest.mark.xdist_group("installation")]

FEE = {
    "kind": "fee",
    "amount": "100.01",
    "currency": "EUR",
    "owner": "",
    "incurred_on": "2026-03-10",
    "from": "2026-03-01",
    "to": "2026-03-31",
    "spread": "equal",
    "paid_on": "",
    "note": "two <stories>",
}
MARCH = "from=2026-03-01&to=2026-03-31"


def major(amount: Json) -> Decimal:
    return Decimal(amount["amount_minor"]).scaleb(-2)


@pytest.mark.parametrize("view", ["incurred", "accrual", "cash"])
def test_costs_by_kind_and_month_are_those_of_the_api(
    installation: Installation, demo: Visitor, view: str
) -> None:
    roi = installation.client("roi", demo.key)
    asked = {"group_by": "month", "metrics": "cost", "currency": "EUR", "cost_view": view}
    told = roi.get("/v1/roi", params=asked).json()
    address = f"/app/costs.csv?cost_view={view}&panel="
    lines = demo.csv(f"{address}kinds")
    foot = lines.pop()
    for part in ("program", "brand", "overhead", "totals"):
        assert Decimal(foot[part]) == major(told[part]["cost"])
        assert sum(Decimal(line[part]) for line in lines) == Decimal(foot[part])
    parts = (foot[part] for part in ("program", "brand", "overhead"))
    assert sum(map(Decimal, parts)) == Decimal(foot["totals"])
    months = [line for line in demo.csv(f"{address}months") if line["line"] != "total"]
    assert sum(Decimal(line["cost"]) for line in months) == Decimal(foot["totals"])


def test_the_cost_of_the_program_is_that_of_the_overview(demo: Visitor) -> None:
    lines = demo.csv("/app/costs.csv?panel=kinds")
    shown = demo.csv("/app/overview.csv?panel=creators")
    program = next(line for line in shown if line["label"] == "Program")
    assert Decimal(lines[-1]["program"]) == Decimal(program["cost"])
    entered = demo.csv("/app/costs.csv?panel=costs")
    assert Decimal(lines[-1]["totals"]) == Decimal(entered[-1]["amount"])


def test_each_cost_of_the_demo_is_carried_as_a_whole(
    demo: Visitor, installation: Installation
) -> None:
    roi = installation.client("roi", demo.key)
    for cost in roi.get("/v1/costs", params={"limit": 200}).json()["items"]:
        lines = demo.csv(f"/app/costs/{cost['id']}.csv")
        parts = [Decimal(line["part"]) for line in lines if line["line"] != "total"]
        assert sum(parts) == major(cost["amount"]) == Decimal(lines[-1]["part"])
        assert "The parts are the whole amount." in demo.get(f"/app/costs/{cost['id']}")


def mia_with_two_posts(brand: Brand) -> Json:
    """Make a creator with two posts of March."""
    mia = brand.create("creators", name="Mia")
    for day in ("2026-03-02", "2026-03-05"):
        brand.create(
            "placements",
            creator_id=mia["id"],
            platform="instagram",
            published_at=f"{day}T12:00:00Z",
        )
    return mia


def test_a_cost_is_entered_shared_corrected_archived_and_restored(
    new_brand: Callable[[], Brand], dashboard: str
) -> None:
    brand = new_brand()
    mia = mia_with_two_posts(brand)
    with Visitor(dashboard, brand.key) as visitor:
        fields = {**FEE, "owner": f"creator_id:{mia['id']}"}
        made = visitor.send("/app/costs", f"/app/costs?creator={mia['id']}", **fields)
        assert made.status_code == 303, made.text
        page = made.headers["location"].partition("?")[0]
        text = visitor.get(made.headers["location"])
        assert "The cost is entered." in text
        assert "two &lt;stories&gt;" in text
        parts = [one["part"] for one in visitor.csv(f"{page}.csv") if one["line"] == "row"]
        assert len(parts) == 2
        assert sum(map(Decimal, parts)) == Decimal("100.01")
        assert visitor.csv(f"/app/costs.csv?panel=kinds&{MARCH}")[-1]["program"] == "100.01"

        hours = {**fields, "kind": "staff_hours", "amount": "", "hours": "7.5", "rate": "40.00"}
        hours |= {"paid_on": "2026-04-02", "to": ""}
        saved = visitor.send(page, page, **hours)
        assert saved.status_code == 303, saved.text
        stored = brand.roi.get(f"/v1/costs/{page.rpartition('/')[2]}").json()
        assert stored["amount"] == {"amount_minor": 30_000, "currency": "EUR"}
        assert (stored["hours"], stored["paid_on"], stored["to"]) == (
            7.5,
            "2026-04-02",
            "2026-03-31",
        )
        assert 'value="7.5"' in visitor.get(page)
        overhead = visitor.send(page, page, **{**hours, "owner": ""})
        assert overhead.status_code == 303, overhead.text
        assert visitor.csv(f"/app/costs.csv?panel=kinds&{MARCH}")[-1]["overhead"] == "300.00"

        gone = visitor.send(f"{page}/archive", page)
        assert gone.status_code == 303, gone.text
        text = visitor.get(gone.headers["location"])
        assert f'action="{page}/restore"' in text
        assert "No cost yet." in text
        assert "This cost is archived" in visitor.get(page)
        back = visitor.send(f"{page}/restore", "/app/costs")
        assert back.status_code == 303, back.text
        again = brand.roi.get("/v1/costs").json()["items"]
        same = ("kind", "amount", "hours", "rate", "incurred_on", "from", "to", "note")
        assert [[one[name] for name in same] for one in again] == [
            [{**stored, "to": "2026-03-31"}[name] for name in same]
        ]


def test_the_undo_of_a_cost_with_an_external_id_is_the_same_object(
    new_brand: Callable[[], Brand], dashboard: str
) -> None:
    brand = new_brand()
    entered = brand.create(
        "costs", kind="tools", amount="79.00", currency="EUR", external_id="inv/1 a"
    )
    page = f"/app/costs/{entered['id']}"
    with Visitor(dashboard, brand.key) as visitor:
        assert visitor.send(f"{page}/archive", page).status_code == 303
        assert visitor.send(f"{page}/restore", "/app/costs").status_code == 303
    assert brand.roi.get(f"/v1/costs/{entered['id']}").json() == entered


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"amount": "many"}, "amount"),
        ({"amount": ""}, "amount"),
        ({"amount": "1.00", "hours": "2", "rate": "3.00"}, "amount"),
        ({"amount": "", "hours": "2"}, "rate"),
        ({"to": "2026-02-01"}, "to"),
        ({"currency": "EURO"}, "currency"),
        ({"owner": "creator_id:00000000-0000-7000-8000-000000000000"}, "owner"),
    ],
)
def test_a_wrong_form_comes_back_with_what_was_typed(
    demo: Visitor, wrong: dict[str, str], field: str
) -> None:
    answer = demo.send("/app/costs", "/app/costs", **{**FEE, **wrong})
    assert answer.status_code == 422
    text = html.unescape(answer.text)
    assert f'id="field-{field}-error"' in text
    assert 'value="two <stories>"' in text


def test_a_correction_without_any_money_is_refused(
    demo: Visitor, installation: Installation
) -> None:
    cost = installation.client("roi", demo.key).get("/v1/costs").json()["items"][0]
    page = f"/app/costs/{cost['id']}"
    answer = demo.send(page, page, **{**FEE, "amount": ""})
    assert answer.status_code == 422
    assert 'id="field-amount-error"' in answer.text


def test_a_forged_form_changes_nothing(demo: Visitor) -> None:
    assert demo.client.post("/app/costs", data={**FEE, "csrf": "x"}).status_code == 403


def test_an_address_cannot_aim_the_undo_elsewhere(demo: Visitor) -> None:
    text = demo.get("/app/costs?done=archived&undo=../../sign-out?")
    assert "The cost is archived" in text
    assert "Undo" not in text


def test_a_reader_sees_costs_and_no_form(reader: Visitor) -> None:
    text = reader.get("/app/costs?done=archived&undo=00000000-0000-7000-8000-000000000000")
    assert "Café Nomad" in text
    assert "Enter a cost" not in text
    assert "/restore" not in text
    assert reader.client.post("/app/costs", data=FEE).status_code == 403


def test_without_costs_the_page_says_what_to_do(empty: Visitor, demo: Visitor) -> None:
    assert "No cost in this period." in empty.get("/app/costs")
    long_ago = "from=2020-01-01&to=2020-01-31"
    assert "Nothing matches." in demo.get(f"/app/costs?{long_ago}&filter.platform=tiktok")
    assert "No cost of these days." in demo.get(f"/app/costs?{long_ago}")
    assert "No cost was paid in this period." in empty.get("/app/costs?cost_view=cash")
