"""Engagement rate by followers: each placement counts its account's followers once in a sum."""

from datetime import timedelta
from typing import Any, Final

import pytest

from services.roi.answers.metrics.engagement_rate import BY_FOLLOWERS
from tests.fixtures.postgres import DatabaseFactory
from tests.integration.roi.catalog_facts import placement_facts
from tests.integration.roi.roi_workspace import NOON, RoiWorkspace, labels
from tests.integration.roi.test_answers_hold import check_sums
from tests.integration.roi.test_funnel import value_rate

DAY: Final = timedelta(days=1)
RATE: Final = BY_FOLLOWERS.id


def accounts(**followers: int | None) -> list[dict[str, Any]]:
    return [
        {"platform": platform, "handle": "mia", "followers": count}
        for platform, count in followers.items()
    ]


async def placed(roi: RoiWorkspace, creator: str | None, platform: str, **more: Any) -> str:
    return await roi.put("placement", placement_facts(creator, None, platform) | more)


@pytest.fixture
async def roi_workspace(database_for: DatabaseFactory) -> RoiWorkspace:
    """Mia has 1,000 followers on Instagram and 200 on TikTok, Jo 500; two days of reports."""
    roi = await RoiWorkspace.open(await database_for("roi"))
    known = accounts(instagram=1_000, tiktok=200)
    mia = await roi.creator("Mia", platform_accounts=known)
    jo = await roi.creator("Jo", platform_accounts=accounts(instagram=500))
    reel = await placed(roi, mia, "instagram", topics=["food", "travel"])
    story = await placed(roi, mia, "instagram", topics=["food"])
    clip = await placed(roi, mia, "tiktok")
    post = await placed(roi, jo, "instagram")
    await roi.fold(
        roi.counted(reel, NOON, likes=60, comments=20),
        roi.counted(story, NOON, likes=10),
        roi.counted(clip, NOON, saves=30),
        roi.counted(post, NOON + DAY, likes=25),
        roi.counted(reel, NOON + DAY, likes=90, comments=20),
    )
    return roi


async def test_a_placement_counts_its_accounts_followers_once(roi_workspace: RoiWorkspace) -> None:
    """Mia: 80 + 30 + 10 + 30 = 150 of 1,000 + 1,000 + 200; Jo: 25 of 500."""
    expected = {
        "creator": {"Mia": 150 / 2_200, "Jo": 25 / 500},
        "platform": {"instagram": 145 / 2_500, "tiktok": 30 / 200},
        "day": {"2026-03-10": 120 / 2_200, "2026-03-11": 55 / 1_500},
        "month": {"2026-03": 175 / 2_700},
        "topic": {"food": 120 / 2_000, "travel": 110 / 1_000, "no topic": 55 / 700},
        "part": {"program": 175 / 2_700},
        "model": dict.fromkeys(("first", "last", "linear"), 175 / 2_700),
    }
    for rated in (False, True):
        if rated:
            # Sums are read apart before and after it.
            await value_rate(roi_workspace, "like", "0.10", valid_from="2026-03-11")
        for group_by, rates in expected.items():
            answer = await roi_workspace.ask(group_by)
            if not rated:
                check_sums(answer)
            found = labels(answer, RATE)
            assert found == {name: round(rate, 6) for name, rate in rates.items()}, group_by
            program = answer["program"]
            for one in program if isinstance(program, list) else [program]:
                assert one[RATE] == round(175 / 2_700, 6), group_by
    filtered = await roi_workspace.ask("creator", filters={"weekday": "tuesday,wednesday"})
    assert labels(filtered, RATE)["Mia"] == round(150 / 2_200, 6)
    tuesday = await roi_workspace.ask("creator", filters={"weekday": "tuesday"})
    assert labels(tuesday, RATE) == {"Mia": round(120 / 2_200, 6)}


async def test_unknown_followers_make_the_rate_missing_and_a_number_holds_as_recorded(
    roi_workspace: RoiWorkspace,
) -> None:
    before = roi_workspace.now
    (mia,) = [
        row["group"]["creator"]
        for row in (await roi_workspace.ask("creator"))["rows"]
        if row["label"] == "Mia"
    ]
    facts = {"name": "Mia", "country": None}
    known = accounts(instagram=4_000, tiktok=None)
    await roi_workspace.put("creator", facts | {"platform_accounts": known}, entity_id=mia)
    after = await roi_workspace.ask("platform")
    assert labels(after, RATE) == {"instagram": round(145 / 8_500, 6), "tiktok": None}
    assert after["program"][RATE] is None
    past = await roi_workspace.ask("platform", as_of=before)
    assert labels(past, RATE) == {"instagram": 0.058, "tiktok": 0.15}
    own = await placed(roi_workspace, None, "instagram")
    await roi_workspace.fold(roi_workspace.counted(own, NOON, likes=9))
    answer = await roi_workspace.ask("creator")
    assert answer["brand"][RATE] is None
    assert labels(answer, RATE) == {"Mia": None, "Jo": 0.05, "brand": None}
