"""The layers of the funnel from real tables: assumed, modelled, people, sensitivity, boosts."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from services.roi.answers import open_leads, person_reading
from shared.credits import ORGANIC
from tests.fixtures.postgres import DatabaseFactory
from tests.integration.roi.catalog_facts import cost_facts, placement_facts
from tests.integration.roi.roi_workspace import NOON, RoiWorkspace
from tests.integration.roi.test_answer_warnings import warned
from tests.integration.roi.test_funnel import Funnel, funnel_of, minor, of_stage, value_rate
from tests.integration.roi.test_goals import make_goal, progress


@pytest.fixture
async def roi_workspace(database_for: DatabaseFactory) -> RoiWorkspace:
    return await RoiWorkspace.open(await database_for("roi"))


async def test_what_was_seen_and_liked_is_assumed_apart_from_what_is_booked(
    roi_workspace: RoiWorkspace,
) -> None:
    """A reel for 50.00: 10,000 views at 0.002, on TikTok at 0.004; 100 likes at 0.10; 40.00 sold.

    By hand: 10,000 × 0.002 + 5,000 × 0.004 = 40.00 and 10.00 of 50.00 are 0.8 and 0.2 assumed.
    """
    mia = await roi_workspace.creator("Mia")
    reel, clip = [
        await roi_workspace.put("placement", placement_facts(mia, None, platform))
        for platform in ("instagram", "tiktok")
    ]
    await roi_workspace.cost(5_000, "2026-03-10", placement_id=reel)
    await roi_workspace.fold(
        roi_workspace.counted(reel, NOON, views=10_000, likes=100),
        roi_workspace.counted(clip, NOON, views=5_000),
        roi_workspace.order(4_000, NOON, {reel: (4_000, NOON)}),
    )
    before = await funnel_of(roi_workspace)
    assert before["program"]["bcr"] == {
        "booked": 0.8,
        "with_modelled": None,
        "with_assumed": None,
    }
    assert warned(before)["missing_value_rate"].startswith(
        "No value rate is set, so nothing is assumed of awareness and engagement:"
    )
    general = await value_rate(roi_workspace, "view", "0.002")
    await value_rate(roi_workspace, "view", "0.004", platform="tiktok")
    some = await funnel_of(roi_workspace)
    assert warned(some)["missing_value_rate"].startswith("No value rate is set for engagement:")
    await value_rate(roi_workspace, "like", "0.1")
    for group_by in ("creator", "creator,day"):
        answer = await funnel_of(roi_workspace, group_by)
        (row,) = answer["rows"]
        awareness, engagement = (of_stage(row, name) for name in ("awareness", "engagement"))
        assert minor(awareness["return"]["assumed"]) == 4_000
        assert awareness["return_per_cost"]["assumed"] == 0.8
        assert minor(engagement["return"]["assumed"]) == 1_000
        assert engagement["return_per_cost"]["assumed"] == 0.2
        assert of_stage(row, "purchase")["return"]["assumed"] is None
        assert row["bcr"] == {"booked": 0.8, "with_modelled": None, "with_assumed": 1.8}
        assert row["stages"] == answer["program"]["stages"]
        assert "missing_value_rate" not in warned(answer)
    await check_late_rates(roi_workspace, before, general)


async def check_late_rates(roi_workspace: RoiWorkspace, before: Funnel, general: str) -> None:
    """By platform, as of the first answer, and with a rate of views that begins too late."""
    by_platform = await funnel_of(roi_workspace, "platform")
    found = {
        row["label"]: minor(of_stage(row, "awareness")["return"]["assumed"])
        for row in by_platform["rows"]
    }
    assert found == {"instagram": 2_000, "tiktok": 2_000}
    again = await funnel_of(roi_workspace, as_of=before["meta"]["as_of"])
    assert (again["rows"], again["program"]) == (before["rows"], before["program"])
    # A rate that begins later leaves the counts of these days without one: they are missing.
    await value_rate(roi_workspace, "view", "0.002", valid_from="2026-03-11", entity_id=general)
    late = await funnel_of(roi_workspace)
    assert warned(late)["missing_value_rate"] == (
        "No value rate holds for a view on instagram from 2026-03-01 to 2026-03-10, so such figures"
        " are missing: `POST /v1/rates` with `kind: value` sets one."
    )
    assert of_stage(late["program"], "awareness")["return"]["assumed"] is None
    assert late["program"]["bcr"]["with_assumed"] is None
    assert without_assumed(late) == without_assumed(before)


LEAD: Final[dict[str, Any]] = {"kind": "lead", "stage": "consideration", "currency": None}


async def fold_matured_leads(roi: RoiWorkspace, reel: str) -> None:
    """36 leads of one day, of which six bought for 60.00 a month later."""
    for number in range(36):
        person = {"person_ref": f"old {number}"}
        records = [roi.order(0, NOON, {reel: (0, NOON)}, **LEAD, **person)]
        if number < 6:
            at = NOON + timedelta(days=30)
            records.append(roi.order(6_000, at, {ORGANIC: (6_000, None)}, **person))
        await roi.fold(*records)


async def test_open_leads_are_modelled_by_what_leads_before_them_brought(
    roi_workspace: RoiWorkspace,
) -> None:
    """36 leads matured; six of them bought for 60.00 at a margin of one half: 5.00 a new lead.

    Two leads of today are open: one of Mia's, one half hers and half organic. A third one bought,
    and a lead whose person was told later belongs to somebody who has bought. Mia cost 10.00.
    """
    roi = roi_workspace
    mia = await roi.creator("Mia")
    reel = await roi.placement(mia)
    await roi.margin(500_000)
    await roi.cost(1_000, "2026-07-01", placement_id=reel)
    now = NOON + timedelta(days=113)
    await fold_matured_leads(roi, reel)
    # Nothing was recorded since, so no lead is older than a moment.
    too_few = await funnel_of(roi)
    assert too_few["program"]["bcr"]["with_modelled"] is None
    assert "leads_without_worth" in warned(too_few)
    roi.now = now
    today = now - timedelta(hours=2)
    await roi.fold(
        roi.order(0, today, {reel: (0, today)}, **LEAD, person_ref="a"),
        roi.order(0, today, {reel: (0, today), ORGANIC: (0, None)}, **LEAD, person_ref="b"),
        roi.order(0, today, {reel: (0, today)}, **LEAD, person_ref="c"),
        roi.order(100, today + timedelta(hours=1), {ORGANIC: (100, None)}, person_ref="c"),
    )
    nameless = roi.order(0, today, {reel: (0, today)}, **LEAD, person_ref="visitor")
    await roi.fold(nameless)
    before = await funnel_of(roi)
    assert minor(of_stage(before["program"], "consideration")["return"]["modelled"]) == 1_250
    # Only the person changes: the record has no entries.
    told = {"conversion_id": nameless.conversion_id, "revision": 2, "person_ref": "c", **LEAD}
    told.pop("stage")
    await roi.fold(roi.decision(today, (), stands=nameless.entries, **told))
    await value_rate(roi, "lead", "99")
    for group_by in ("creator", "day", "kind,platform"):
        answer = await funnel_of(roi, group_by)
        rows = [of_stage(row, "consideration") for row in answer["rows"]]
        assert sum(minor(row["return"]["modelled"]) or 0 for row in rows) == 750
        program = of_stage(answer["program"], "consideration")
        assert minor(program["return"]["modelled"]) == 750
        assert program["return_per_cost"]["modelled"] == 0.75
        # What is measured is not assumed.
        assert program["return"]["assumed"] is None
        assert answer["program"]["bcr"]["with_modelled"] == 0.75
        totals = of_stage(answer["totals"], "consideration")
        assert minor(totals["return"]["modelled"]) == 1_000
        assert [one["input"] for one in answer["program"]["sensitivity"]] == ["fee", "lead_worth"]
    await check_other_moments(roi, reel, before, now)


async def check_other_moments(roi: RoiWorkspace, reel: str, before: Funnel, now: datetime) -> None:
    """As of a moment before, in days without an open lead, and when all leads matured."""
    again = await funnel_of(roi, as_of=before["meta"]["as_of"])
    assert again["program"] == before["program"]
    earlier = await funnel_of(roi, to="2026-06-30")
    assert of_stage(earlier["program"], "consideration")["return"]["modelled"] is None
    # After 90 days no lead is open.
    roi.now = now + timedelta(days=91)
    await roi.fold(roi.clicks(reel, now, 1))
    late = await funnel_of(roi)
    assert of_stage(late["program"], "consideration")["return"]["modelled"] is None


async def test_an_assumed_figure_alone_is_the_same_as_beside_all_others(
    roi_workspace: RoiWorkspace,
) -> None:
    """Leads have a measured worth, so a rate for leads is not used: 8 visits at 0.50 are 4.00."""
    roi = roi_workspace
    reel = await roi.placement(await roi.creator("Mia"))
    await fold_matured_leads(roi, reel)
    await value_rate(roi, "visit", "0.5")
    await value_rate(roi, "lead", "99")
    roi.now = NOON + timedelta(days=113)
    await roi.fold(roi.clicks(reel, NOON, 8))
    beside = (await roi.ask())["program"]
    assert minor(beside["assumed_at_consideration"]) == 400
    for name in ("assumed_at_awareness", "assumed_at_consideration", "assumed_return"):
        alone = (await roi.ask(metrics=name))["program"]
        assert alone[name] == beside[name], name


async def test_few_matured_leads_are_no_measure(
    roi_workspace: RoiWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lead without a measured worth is missing, and the brand's own rate stands beside it."""
    roi = roi_workspace
    reel = await roi.placement(await roi.creator("Mia"))
    lead: dict[str, Any] = {"kind": "sign_up", "stage": "consideration", "currency": None}
    await roi.fold(roi.order(0, NOON, {reel: (0, NOON)}, **lead, person_ref="a"))
    lead["kind"] = "lead"
    await roi.fold(roi.order(0, NOON, {reel: (0, NOON)}, **lead, person_ref="b"))
    await value_rate(roi, "lead", "8")
    roi.now = NOON + timedelta(days=2)
    answer = await funnel_of(roi)
    consideration = of_stage(answer["program"], "consideration")["return"]
    assert consideration["modelled"] is None
    assert minor(consideration["assumed"]) == 800
    assert warned(answer)["leads_without_worth"].startswith("What open leads will bring is not")
    await roi.fold(roi.order(50, NOON, {reel: (50, NOON)}, person_ref="b"))
    for bound in ("LEADS_MAX", "LEAD_ORDERS_MAX"):
        with monkeypatch.context() as bounds:
            bounds.setattr(open_leads, bound, 0)
            many = await funnel_of(roi)
            figures = await roi.ask(days=("2026-03-01", "2026-03-31"))
        assert of_stage(many["program"], "consideration")["return"]["modelled"] is None
        # Nobody looked, so it is not known that no lead is open; organic has no lead.
        for part in (figures["rows"][0]["measures"], figures["program"], figures["totals"]):
            assert (part["open_leads"], part["modelled_return"]) == (None, None)
            assert part["leads"] == 1
        assert figures["organic"]["open_leads"] == 0
        assert "leads_without_worth" in warned(figures)
        assert warned(many)["leads_without_worth"].startswith("More than 50000 leads came in 455")


async def test_people_are_counted_once_and_their_way_is_measured(
    roi_workspace: RoiWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ann was a lead of Mia's and bought by Jo's link 4 days later; a visitor turns out to be Ann.

    Her first order was cancelled, so the second one counts. Bob bought without being a lead.
    """
    roi = roi_workspace
    mia, jo = [await roi.creator(name) for name in ("Mia", "Jo")]
    of_mia, of_jo = [await roi.placement(creator) for creator in (mia, jo)]
    lead: dict[str, Any] = {"kind": "lead", "stage": "consideration", "currency": None}
    bought = NOON + timedelta(days=4)
    nameless = roi.order(0, NOON, {of_mia: (0, NOON)}, **lead, person_ref="visitor")
    returned = roi.order(500, NOON, {of_jo: (500, NOON)}, person_ref="ann")
    await roi.fold(
        roi.order(0, NOON, {of_mia: (0, NOON)}, **lead, person_ref="ann"),
        nameless,
        returned,
        roi.corrected(returned, None),
        roi.order(900, bought, {of_jo: (900, NOON)}, person_ref="ann"),
        roi.order(800, bought, {of_jo: (800, NOON)}, person_ref="bob"),
    )
    before = of_stage((await funnel_of(roi))["program"], "consideration")
    assert before["people"] == 2
    told = {"conversion_id": nameless.conversion_id, "kind": "lead", "person_ref": "ann"}
    await roi.fold(roi.decision(NOON, (), stands=nameless.entries, **told))
    for group_by in ("creator", "day"):
        answer = await funnel_of(roi, group_by)
        considered = of_stage(answer["program"], "consideration")
        assert (considered["people"], considered["median_days_to_next"]) == (1, 4)
        assert considered["median_days_sample"] == 1
        assert of_stage(answer["program"], "purchase")["people"] == 2
        assert of_stage(answer["program"], "awareness")["people"] is None
        assert of_stage(answer["brand"], "purchase")["people"] == 0
    by_creator = {row["label"]: row for row in (await funnel_of(roi))["rows"]}
    considered = of_stage(by_creator["Mia"], "consideration")
    assert (considered["people"], considered["median_days_to_next"]) == (1, None)
    assert of_stage(by_creator["Jo"], "purchase")["people"] == 2
    filtered = await funnel_of(roi, **{"filter.creator": jo})
    assert of_stage(filtered["totals"], "consideration")["people"] == 0
    assert of_stage(filtered["totals"], "purchase")["people"] == 2
    # Five conversions were kept, and one that was not is read with them.
    for bound in ("PEOPLE_MAX", "CELLS_MAX"):
        with monkeypatch.context() as bounds:
            bounds.setattr(person_reading, bound, 3)
            many = await funnel_of(roi)
        for part in (*many["rows"], many["program"], many["totals"]):
            assert of_stage(part, "purchase")["people"] is None
            assert minor(of_stage(part, "purchase")["return"]["booked"]) is not None
        assert "too_many_people" in warned(many)


async def test_a_boosted_placement_has_a_joint_and_a_separate_return(
    roi_workspace: RoiWorkspace,
) -> None:
    """A reel with a fee of 60.00 and a boost of 40.00 brings 120.00; its ad of 25.00 brings 30.00.

    By hand: jointly 120 ÷ 100 − 1 = 0.2, without the boost 120 ÷ 60 − 1 = 1; the ad alone 0.2.
    """
    mia = await roi_workspace.creator("Mia")
    reel, ad = [await roi_workspace.placement(mia) for _ in range(2)]
    await roi_workspace.cost(6_000, "2026-03-10", placement_id=reel)
    for placement, amount in ((reel, 4_000), (ad, 2_500)):
        facts = cost_facts(amount, "2026-03-10", placement_id=placement)
        await roi_workspace.put("cost", facts | {"kind": "paid_boost", "boosts_placement_id": reel})
    await roi_workspace.fold(
        roi_workspace.order(12_000, NOON, {reel: (12_000, NOON)}),
        roi_workspace.order(3_000, NOON, {ad: (3_000, NOON)}),
    )
    answer = await roi_workspace.ask("placement")
    found = {row["group"]["placement"]: row["measures"] for row in answer["rows"]}
    assert (found[reel]["roi"], found[reel]["roi_without_boost"]) == (0.2, 1)
    assert minor(found[reel]["cost_of_paid_boost"]) == 4_000
    assert minor(found[reel]["cost_of_fee"]) == 6_000
    assert (found[ad]["roi"], found[ad]["roi_without_boost"]) == (0.2, None)
    assert answer["program"]["roi_without_boost"] == 1.5
    funnel = await funnel_of(roi_workspace, "placement")
    moved = {one["input"]: one for one in funnel["program"]["sensitivity"]}
    assert list(moved) == ["net_revenue", "margin", "paid_boost", "fee"]
    assert moved["margin"]["higher"] == {
        "booked": 1.32,
        "with_modelled": None,
        "with_assumed": None,
    }
    assert moved["fee"]["lower"]["booked"] == round(150 / 119, 6)
    assert "sensitivity" not in funnel["brand"]


async def test_a_comparison_values_each_period_by_its_own_rates(
    roi_workspace: RoiWorkspace,
) -> None:
    """100 views at 0.10 on the third of March and at 0.30 from the fifth on: 10.00 and 30.00."""
    reel = await roi_workspace.placement(await roi_workspace.creator("Mia"))
    await value_rate(roi_workspace, "view", "0.1")
    await value_rate(roi_workspace, "view", "0.3", valid_from="2026-03-05")
    for day, views in ((3, 100), (10, 200)):
        at = datetime(2026, 3, day, 9, tzinfo=UTC)
        await roi_workspace.fold(roi_workspace.counted(reel, at, views=views))
    answer = await roi_workspace.ask(days=("2026-03-08", "2026-03-14"), compare="previous")
    assert minor(answer["program"]["assumed_return"]) == 3_000
    assert minor(answer["program"]["compared"]["assumed_return"]) == 1_000
    goal = await make_goal(
        roi_workspace, "assumed_return", 4_000, days=("2026-03-01", "2026-03-31")
    )
    shown = await progress(roi_workspace, goal, now=datetime(2026, 3, 12, tzinfo=UTC))
    assert minor(shown["actual"]) == 4_000


def without_assumed(answer: Funnel) -> Funnel:
    """The figures of an answer without those of the assumed layer."""
    figures: Funnel = json.loads(json.dumps({"rows": answer["rows"], "of": answer["program"]}))
    for one in (*figures["rows"], figures["of"]):
        one["bcr"].pop("with_assumed")
        for stage in one["stages"]:
            stage["return"].pop("assumed")
            stage["return_per_cost"].pop("assumed")
    return figures
