"""What the worth of leads reads: the newest record of each lead, the entries of open ones alone."""

from datetime import timedelta
from typing import Any

import pytest

from services.roi.answers import person_reading, sql
from services.roi.answers.kinds import Fact
from services.roi.answers.measures.units import UNITS
from services.roi.answers.plan import Shape
from services.roi.store import people_rows
from tests.fixtures.postgres import DatabaseFactory
from tests.integration.roi.roi_workspace import NOON, RoiWorkspace
from tests.integration.roi.test_answers_hold import arguments, explain
from tests.integration.roi.test_funnel_layers import LEAD

WORKSPACE = "00000000-0000-0000-0000-000000000001"
# From before any lead to after the last one.
BOTH_YEARS = ("2024-01-01", "2026-12-31")


@pytest.fixture
async def roi_workspace(database_for: DatabaseFactory) -> RoiWorkspace:
    return await RoiWorkspace.open(await database_for("roi"))


async def test_a_lead_is_what_its_newest_record_says(roi_workspace: RoiWorkspace) -> None:
    """Of three open leads one moves to a time that is not looked at, and one is cancelled."""
    roi = roi_workspace
    reel = await roi.placement(await roi.creator("Mia"))
    leads = [
        roi.order(0, NOON, {reel: (0, NOON)}, **LEAD, person_ref=name) for name in ("a", "b", "c")
    ]
    await roi.fold(*leads)
    before = await roi.ask(days=BOTH_YEARS, metrics="open_leads")
    assert before["program"]["open_leads"] == 3
    moved = roi.corrected(leads[0], NOON - timedelta(days=500))
    await roi.fold(moved, roi.corrected(leads[1], None))
    now = await roi.ask(days=BOTH_YEARS, metrics="open_leads,leads")
    assert (now["program"]["open_leads"], now["program"]["leads"]) == (1, 2)
    back = roi.corrected(moved, NOON - timedelta(days=1))
    await roi.fold(back)
    again = await roi.ask(days=BOTH_YEARS, metrics="open_leads")
    assert again["program"]["open_leads"] == 2
    as_of = before["meta"]["as_of"]
    then = await roi.ask(days=BOTH_YEARS, metrics="open_leads", as_of=as_of)
    assert then["program"]["open_leads"] == 3


async def test_entries_are_not_read_where_the_span_has_no_lead(
    roi_workspace: RoiWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rollups tell it: a lead is open, but in other days."""
    roi = roi_workspace
    reel = await roi.placement(await roi.creator("Mia"))
    await roi.fold(
        roi.order(0, NOON, {reel: (0, NOON)}, **LEAD, person_ref="a"),
        roi.order(500, NOON - timedelta(days=9), {reel: (500, NOON)}, person_ref="b"),
    )
    read: list[Any] = []

    async def records_of(*given: Any) -> list[int]:
        read.append(given)
        return await people_rows.records_of(*given)

    monkeypatch.setattr(person_reading, "records_of", records_of)
    for days, count in ((("2026-03-01", "2026-03-09"), 0), (("2026-03-01", "2026-03-10"), 1)):
        answer = await roi.ask(days=days, metrics="open_leads,orders_kept")
        assert answer["program"] == {**answer["program"], "open_leads": count, "orders_kept": 1}
        assert len(read) == count


@pytest.mark.parametrize("basis", ["conversion_time", "touch_time"])
async def test_the_entries_of_records_are_found_by_the_primary_key(
    database_for: DatabaseFactory, young_database: str, basis: str
) -> None:
    database = await database_for("roi", url=young_database)
    shape = Shape(Fact.CREDITS, (), 1, basis, (UNITS,), ("conversion_id",), True, of_records=True)
    statement = sql.sums(shape)
    given = arguments(WORKSPACE) | {"records": [1, 2, 3]}
    plan = await explain(database, statement.text, tuple(statement.arguments(**given)))
    assert any("Index Cond" in line and "sequence = " in line for line in plan), "\n".join(plan)


@pytest.mark.parametrize(
    ("statement", "more"),
    [
        (people_rows.LEADS, (NOON - timedelta(days=455), 50_001)),
        (people_rows.RECORDS, ([WORKSPACE],)),
    ],
)
async def test_the_records_of_a_lead_are_found_by_its_conversion(
    database_for: DatabaseFactory, young_database: str, statement: str, more: tuple[Any, ...]
) -> None:
    database = await database_for("roi", url=young_database)
    plan = "\n".join(await explain(database, statement, (WORKSPACE, NOON, *more)))
    assert "Nested Loop" in plan, plan
    assert "conversion_people_by_id" in plan, plan
