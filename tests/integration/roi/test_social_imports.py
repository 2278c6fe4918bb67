"""Imports of social counts over real HTTP and real Postgres: rows, reports, repeats, the undo.

The reports that roi answers come back as records of credits, as tracking and attribution make them.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from services.roi.domain.rollup import FoldState
from services.roi.pipeline.fold import CreditsFold
from services.roi.store.rollups import workspaces
from services.roi.wire.import_shapes import AS_OF_CHARACTERS_MAX, ROWS_MAX
from shared.api.social_report import SocialReport
from shared.clock import SystemClock
from shared.credits import COUNT_NAMES, CountReport, CountsReported, SocialCounts
from shared.ids import new_id
from shared.telemetry import Telemetry
from tests.integration.roi.handed_batches import fold
from tests.integration.roi.roi_service import BrandClient, brand_running
from tests.integration.roi.test_imports import Json, counts, listed

PATH: Final = "/v1/imports/social"
REEL: Final = "https://www.instagram.com/reel/Abc/"
ANSWER: Final = "/v1/roi?from=2026-03-01&to=2026-03-31&metrics=views,likes,saves"
EXPORT: Final = (
    "Post ID,Permalink,Views,Likes,Saves\n"
    f"1,{REEL},1200,80,\n"
    "2,https://www.instagram.com/p/Nobody/,9,9,9\n"
    f'3,{REEL},"1,300",,\n'
    "4,clip-1,7,,\n"
)
ASKED: Final = "?export=instagram&as_of=2026-03-10T09:00"


@pytest.fixture
async def brand(owner_url: str) -> AsyncIterator[BrandClient]:
    """A brand in Berlin with a reel, a clip and their creator."""
    async with brand_running(owner_url) as client:
        await client.ok("PATCH", "/v1/workspace", {"time_zone": "Europe/Berlin"})
        mia = await client.post("/v1/creators", {"name": "Mia"})
        told = {"creator_id": mia["id"], "platform": "instagram"}
        await client.post("/v1/placements", {"url": REEL, **told})
        await client.post("/v1/placements", {"external_id": "clip-1", **told})
        yield client


async def imported(brand: BrandClient, file: str, query: str = ASKED, **body: Any) -> Json:
    answer: Json = await brand.post(PATH + query, {"file": file, **body})
    return answer


async def tried(brand: BrandClient, file: str, query: str = ASKED, **body: Any) -> Json:
    answer: Json = await brand.ok("POST", f"{PATH}{query}&dry_run=true", {"file": file, **body})
    return answer


async def state(brand: BrandClient) -> FoldState:
    async with brand.roi.database.read([brand.workspace_id]) as conn:
        return (await workspaces(conn, [brand.workspace_id]))[brand.workspace_id].state


async def arrive(brand: BrandClient, reports: Sequence[Json]) -> None:
    """Fold reports as records of credits."""
    sequence, now = (await state(brand)).sequence, SystemClock().now()
    told = [SocialReport.model_validate(report) for report in reports]
    record = CountsReported(
        workspace_id=brand.workspace_id,
        sequence=sequence + 1,
        recorded_at=now,
        reports=tuple(
            CountReport(
                event_id=new_id(),
                placement_id=one.placement_id,
                source=one.source,
                quality=one.quality,
                counted_at=one.as_of,
                received_at=now,
                counts=SocialCounts(**one.model_dump(include=set(COUNT_NAMES))),
                import_id=one.import_id,
            )
            for one in told
        ),
    )
    await fold(CreditsFold(brand.roi.database, Telemetry("roi"), lambda _stops: None), [record])


async def figures(brand: BrandClient, query: str = "") -> Json:
    answer = await brand.ok("GET", ANSWER + query)
    return {name: part for name, part in answer.items() if name != "meta"}


async def test_a_file_becomes_reports_that_count_until_its_import_is_undone(
    brand: BrandClient,
) -> None:
    before = await figures(brand)
    dry = await tried(brand, EXPORT)
    assert (dry["id"], dry["reports"], counts(dry)) == (None, [], (2, 0, 0, 2))
    assert [(one["line"], one["change"]) for one in dry["changes"]] == [
        (2, "created"),
        (5, "created"),
    ]
    assert await listed(brand, "imports") == []

    made = await imported(brand, EXPORT)
    assert counts(made) == (2, 0, 0, 2)
    told = {(one["line"], one["column"]): one["message"] for one in made["rejected"]}
    assert list(told) == [(3, "Permalink"), (4, "Views")]
    assert "of one placement of this brand" in told[3, "Permalink"]
    reel, clip = made["reports"]
    assert reel | dict.fromkeys(COUNT_NAMES) == dict.fromkeys(COUNT_NAMES) | {
        "placement_id": reel["placement_id"],
        "as_of": "2026-03-10T08:00:00Z",
        "source": "Instagram",
        "quality": "observed",
        "import_id": made["id"],
    }
    assert (reel["views"], reel["likes"], reel["saves"], clip["views"]) == (1_200, 80, None, 7)
    assert {one["id"] for one in made["changes"]} == {reel["placement_id"], clip["placement_id"]}
    assert await figures(brand) == before, "roi stores no counts of its own"
    await arrive(brand, made["reports"])
    after = await figures(brand)
    assert (after["totals"]["views"], after["totals"]["likes"]) == (1_207, 80)
    assert after["totals"]["saves"] is None

    (shown,) = await listed(brand, "imports")
    assert (shown["id"], shown["what"], shown["rows"]) == (made["id"], "social", 4)
    as_of = (await brand.ok("GET", ANSWER))["meta"]["as_of"].replace("+", "%2B")
    undone = await brand.ok("DELETE", f"/v1/imports/{made['id']}")
    assert undone["undo"] == {"withdrawn": 2, "restored": 0, "left_objects": 0, "left": []}
    assert await brand.ok("DELETE", f"/v1/imports/{made['id']}") == undone
    assert await figures(brand) == before
    assert await figures(brand, f"&as_of={as_of}") == after
    await arrive(brand, made["reports"])
    assert await figures(brand) == before, "a late report of an undone import"
    back = await imported(brand, EXPORT)
    assert counts(back) == (2, 0, 0, 2)
    await arrive(brand, back["reports"])
    assert await figures(brand) == after


async def test_what_counts_already_is_unchanged_and_has_no_report(brand: BrandClient) -> None:
    first = await imported(brand, EXPORT)
    again = await imported(brand, EXPORT)
    assert len(again["reports"]) == 2, "nothing counts before the reports have arrived"
    await arrive(brand, first["reports"])
    third = await imported(brand, EXPORT)
    assert (counts(third), third["reports"]) == ((0, 0, 2, 2), [])
    corrected = await imported(brand, EXPORT.replace("1200,80", "1250,80"))
    assert counts(corrected) == (0, 1, 1, 2)
    assert [(one["line"], one["fields"]) for one in corrected["changes"]] == [(2, ["views"])]
    await arrive(brand, corrected["reports"])
    assert (await figures(brand))["totals"]["views"] == 1_257
    undone = await brand.ok("DELETE", f"/v1/imports/{corrected['id']}")
    assert (undone["undo"]["withdrawn"], undone["undo"]["restored"]) == (1, 1)
    assert (await figures(brand))["totals"]["views"] == 1_207
    other = await imported(brand, EXPORT, ASKED + "&quality=manual")
    assert [one["fields"] for one in other["changes"]] == [["quality"], ["quality"]]


async def test_two_rows_of_one_placement_and_moment_must_tell_the_same(brand: BrandClient) -> None:
    rows = f"{REEL},5\n{REEL},5\n{REEL},6\nhttps://instagram.com/p/Abc,5\n"
    answer = await imported(brand, "Permalink,Views\n" + rows)
    assert counts(answer) == (1, 0, 2, 1)
    assert answer["rejected"] == [
        {"line": 4, "column": "row", "message": "line 2 is about the same counts"}
    ]
    assert [one["views"] for one in answer["reports"]] == [5]


async def test_rows_are_checked_as_reports_are(brand: BrandClient) -> None:
    tomorrow = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    file = (
        "placement,as_of,Who,quality,views\n"
        f"{REEL},2026-03-10,Agency,guess,1\n"
        f"{REEL},1969-12-31,Agency,,1\n"
        f"{REEL},2026-03-10,{'x' * 129},,1\n"
        f"{REEL},2026-03-10,Agency,,99999999999999\n"
        f"{REEL},{tomorrow},Agency,,1\n"
        f"{REEL},2026-03-10,Agency,,\n"
        f"{REEL},2026-03-10,,,1\n"
        f"{REEL},,Agency,,1\n"
        f"{REEL},2026-03-10,Agency\n"
        f"{REEL},2026-03-10,Agency,Observed,1\n"
    )
    answer = await imported(brand, file, "", columns={"Who": "source"})
    assert [(one["line"], one["column"]) for one in answer["rejected"]] == [
        (2, "quality"),
        (3, "as_of"),
        (4, "Who"),
        (5, "views"),
        (6, "as_of"),
        (7, "views"),
        (8, "Who"),
        (9, "as_of"),
        (10, "row"),
        (11, "quality"),
    ]
    assert counts(answer) == (0, 0, 0, 10)


async def test_a_placement_is_named_by_its_id_also_when_it_is_archived(brand: BrandClient) -> None:
    (clip,) = [one for one in await listed(brand, "placements") if one["external_id"] == "clip-1"]
    await brand.ok("DELETE", f"/v1/placements/{clip['id']}")
    for name in (clip["id"], "clip-1"):
        answer = await tried(brand, f"placement,views\n{name},5\n", ASKED + "&source=Agency")
        assert [one["id"] for one in answer["changes"]] == [clip["id"]]


@pytest.mark.parametrize(
    ("query", "file", "field"),
    [
        ("?export=myspace", EXPORT, "export"),
        ("?quality=guess", EXPORT, "quality"),
        ("?as_of=yesterday&export=instagram", EXPORT, "as_of"),
        (f"?as_of={'0' * (AS_OF_CHARACTERS_MAX + 1)}&export=instagram", EXPORT, "as_of"),
        ("?source=%20", EXPORT, "source"),
        ("?mood=good", EXPORT, "mood"),
        ("", EXPORT, "file"),
        ("?export=instagram", EXPORT.replace("Saves", "Mood"), "columns.Mood"),
        ("?export=instagram", "Permalink\nx\n", "file"),
    ],
)
async def test_a_file_or_parameter_that_cannot_be_read_names_the_field(
    brand: BrandClient, query: str, file: str, field: str
) -> None:
    refused = await brand.refused("POST", PATH + query, {"file": file})
    assert (refused.status, list(refused.errors)) == (422, [field])


async def test_a_repeated_request_answers_the_same_reports(brand: BrandClient) -> None:
    key = {"headers": {"Idempotency-Key": "counts-17"}}
    first = await brand.post(PATH + ASKED, {"file": EXPORT}, **key)
    assert await brand.post(PATH + ASKED, {"file": EXPORT}, **key) == first
    assert len(await listed(brand, "imports")) == 1
    other = await brand.refused("POST", f"{PATH}{ASKED}&source=Me", {"file": EXPORT}, **key)
    assert (other.status, list(other.errors)) == (409, ["Idempotency-Key"])


async def test_reports_with_the_id_of_another_import_go_with_it(brand: BrandClient) -> None:
    made = await imported(brand, "Permalink,Views\nclip-1,7\n")
    costs = "kind,incurred_on,amount,currency\nfee,2026-03-01,10.00,EUR\n"
    other = await brand.post("/v1/imports/costs", {"file": costs})
    await arrive(brand, [{**made["reports"][0], "import_id": other["id"]}])
    assert (await figures(brand))["totals"]["views"] == 7
    undone = await brand.ok("DELETE", f"/v1/imports/{other['id']}")
    assert undone["undo"]["withdrawn"] == 1
    assert (await figures(brand))["totals"]["views"] is None


async def test_a_file_of_the_most_rows(brand: BrandClient) -> None:
    rows = "".join(
        f"clip-1,{datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=number):%Y-%m-%dT%H:%MZ},"
        f"{number}\n"
        for number in range(ROWS_MAX)
    )
    file = "placement,as_of,views\n" + rows
    made = await imported(brand, file, "?source=Agency")
    assert (counts(made), len(made["reports"])) == ((ROWS_MAX, 0, 0, 0), ROWS_MAX)
    await arrive(brand, made["reports"])
    assert counts(await imported(brand, file, "?source=Agency")) == (0, 0, ROWS_MAX, 0)
    undone = await brand.ok("DELETE", f"/v1/imports/{made['id']}")
    assert undone["undo"]["withdrawn"] == ROWS_MAX
    assert (await figures(brand))["totals"]["views"] is None
    more = await brand.refused("POST", f"{PATH}?source=Agency", {"file": file + rows[:30]})
    assert (more.status, list(more.errors)) == (422, ["file"])
