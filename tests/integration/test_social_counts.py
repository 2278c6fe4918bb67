"""Social counts on running services: from `POST /v1/social` to the answer; who may send them."""

from pathlib import Path
from typing import Any, Final

import pytest

from shared.events import COUNT_MAX
from shared.ids import new_id
from tests.e2e.installation import Brand, Installation, Json, by_label, eventually
from tests.integration.attacks.brand_under_attack import BrandUnderAttack
from tests.integration.test_imports import undo_ids

pytestmark = pytest.mark.xdist_group("installation")

# An ordinary answer has no social counts.
METRICS: Final = (
    "impressions,views,likes,comments,shares,saves,link_taps,watch_seconds,cost,cpm,cpv,cpe,"
    "engagement_rate_by_views"
)
ASKED: Final = {"from": "2026-03-01", "to": "2026-03-31", "metrics": METRICS}


@pytest.fixture
def brand(installation: Installation) -> Brand:
    return Brand.in_new_workspace(installation, f"counted{new_id()[-8:]}")


def counted(placement: Json, day: int, **fields: Any) -> Json:
    return {
        "placement_id": placement["id"],
        "as_of": f"2026-03-{day:02}T09:00:00Z",
        "source": "Instagram",
        "quality": "observed",
        **fields,
    }


def report(brand: Brand, *reports: Json) -> Json:
    answer = brand.tracking.post("/v1/social", json=list(reports))
    assert answer.status_code == 202, answer.text
    body: Json = answer.json()
    return body


def wait_for(brand: Brand, metric: str, count: int | None, **query: str) -> Json:
    """Return the answer as soon as the total of a metric is so much."""

    def look() -> Json | None:
        answer = brand.roi_answer(**ASKED | query)
        return answer if answer["totals"][metric] == count else None

    return eventually(look, what=f"{metric} are {count}")


def test_counts_come_from_a_call_into_every_answer(brand: Brand) -> None:
    """A reel for 50.00: 10,000 showings, 2,500 views, 200 engagements."""
    mia = brand.create("creators", name="Mia")
    told = {"creator_id": mia["id"], "platform": "instagram"}
    reel, story = (
        brand.create("placements", published_at="2026-03-02T09:00:00Z", **told) for _ in range(2)
    )
    post = brand.create("placements", platform="tiktok", is_brand=True)
    fee = {"kind": "fee", "currency": "EUR", "incurred_on": "2026-03-05"}
    brand.create("costs", amount="50.00", placement_id=reel["id"], **fee)
    brand.create("costs", amount="8.00", creator_id=mia["id"], spread="views", **fee)
    answer = report(
        brand,
        counted(reel, 10, impressions=8_000, views=2_000, likes=150),
        counted(reel, 12, impressions=10_000, views=2_500, likes=190, comments=10, reach=7_000),
        counted(post, 10, views=40),
        counted(story, 10, views=0),
        counted(reel, 11),
        counted(reel, 11, views=COUNT_MAX + 1, likes="7"),
    )
    assert (answer["accepted"], [one["index"] for one in answer["rejected"]]) == (4, [4, 5])
    assert {error["field"] for error in answer["rejected"][1]["errors"]} == {"views", "likes"}
    found = wait_for(brand, "views", 2_540, group_by="placement")
    measures = next(
        row["measures"] for row in found["rows"] if row["group"]["placement"] == reel["id"]
    )
    assert measures["cost"]["amount_minor"] == 5_800, "the reel has all the views of Mia"
    assert (measures["impressions"], measures["likes"], measures["saves"]) == (10_000, 190, None)
    # 58.00 for ten thousand showings; 58.00 for 200 engagements.
    assert measures["cpm"]["amount_minor"] == 580
    assert measures["cpe"]["amount_minor"] == 29
    assert measures["engagement_rate_by_views"] == 0.08
    assert found["brand"]["views"] == 40
    by_day = by_label(brand.roi_answer(group_by="day", **ASKED))
    assert by_day["2026-03-10"]["views"] == 2_040
    assert by_day["2026-03-12"]["views"] == 500
    correct_the_counts(brand, reel, post)


def correct_the_counts(brand: Brand, reel: Json, post: Json) -> None:
    """The same again is a duplicate, a corrected report another version, an event a report."""
    before = brand.roi_answer(**ASKED)["meta"]["as_of"]
    same = {"type": "social_reported", **counted(post, 10, views=40)}
    sent = brand.tracking.post("/v1/events", json=[same])
    assert sent.json() == {"accepted": 1, "rejected": []}
    report(brand, counted(reel, 12, impressions=9_000, views=2_100))
    corrected = wait_for(brand, "views", 2_140)
    assert corrected["totals"]["impressions"] == 9_000
    assert corrected["totals"]["likes"] == 150
    assert brand.roi_answer(as_of=before, **ASKED)["totals"]["views"] == 2_540
    accounts = brand.attribution.get("/v1/ledger/events").json()
    assert {name: accounts[name] for name in ("booked", "superseded", "set_aside")} == {
        "booked": 5,
        "superseded": 1,
        "set_aside": 0,
    }
    brand.assert_verified()


def test_an_array_that_is_none_or_too_long_is_refused(brand: Brand) -> None:
    assert brand.tracking.post("/v1/social", json={}).status_code == 422
    assert brand.tracking.post("/v1/social", json=[{}] * 501).status_code == 413
    assert report(brand)["accepted"] == 0


def test_a_stranger_with_a_pages_key_reports_no_counts(installation: Installation) -> None:
    """Neither by the call nor as an event; and nobody reports for another brand's placement."""
    brand = BrandUnderAttack.open(installation)
    forged = counted({"id": brand.mia}, 10, views=COUNT_MAX, likes=COUNT_MAX)
    refused = brand.public.post("/v1/social", json=[forged])
    assert refused.status_code == 403, refused.text
    told = brand.public.post("/v1/events", json=[{"type": "social_reported", **forged}]).json()
    assert told["accepted"] == 0
    assert [error["field"] for error in told["rejected"][0]["errors"]] == ["type"]

    other = Brand.in_new_workspace(installation, f"envious{new_id()[-8:]}")
    leo = other.create("creators", name="Leo")
    own = other.create("placements", creator_id=leo["id"], platform="instagram")
    report(other, forged, counted(own, 10, views=3))
    wait_for(other, "views", 3)
    assert wait_for(other, "likes", None)["program"]["views"] == 3
    listed = other.attribution.get("/v1/attention", params={"kind": "unknown_placements"}).json()
    assert [item["count"] for item in listed["items"]] == [1]
    assert brand.roi_answer(**ASKED)["totals"]["views"] is None
    other.assert_verified()


EXPORT: Final = """\
Post ID,Permalink,Views,Likes,Saves,Mood
1,https://www.instagram.com/reel/Abc/,1200,80,,good
2,https://www.instagram.com/p/Nobody/,9,9,9,bad
3,https://www.instagram.com/reel/Abc/,"1,300",,,good
"""


def test_an_export_is_brought_in_and_taken_back_by_the_command_line(
    brand: Brand, tmp_path: Path
) -> None:
    """Unknown columns are asked for, a dry run sends nothing, bad rows are listed, not repeats."""
    mia = brand.create("creators", name="Mia")
    url = "https://instagram.com/reel/Abc"
    reel = brand.create("placements", creator_id=mia["id"], platform="instagram", url=url)
    report(brand, counted(reel, 10, views=700), counted(reel, 9, views=600))
    wait_for(brand, "views", 700)
    before = brand.roi_answer(**ASKED)
    path = tmp_path / "export.csv"
    path.write_text(EXPORT)

    def ran(*words: str) -> tuple[int, str]:
        done: Any = brand.laurel.command(*words, environment={"LAUREL_ADMIN_KEY": brand.key})
        return done.returncode, " ".join((done.stdout + done.stderr).split())

    def imported(*words: str) -> tuple[int, str]:
        when = ("--export", "instagram", "--as-of", "2026-03-10T09:00:00Z")
        return ran("import", "social", str(path), *when, *words)

    code, told = imported()
    assert code == 2
    assert "columns that are not known: Mood" in told
    code, told = imported("--skip-unknown", "--dry-run")
    assert code == 1
    assert "line 2 would be changed: views, likes" in told
    assert "line 3: Permalink: is not the id" in told
    assert "line 4: Views: write a whole number" in told
    assert "nothing was imported" in told
    assert brand.attribution.get("/v1/ledger/events").json()["read"] == 2

    code, told = imported("--skip-unknown")
    assert (code, "0 rows created, 1 row changed, 0 rows known before" in told) == (1, True), told
    (import_id,) = undo_ids(told)
    after = wait_for(brand, "views", 1_200)
    assert (after["totals"]["likes"], after["totals"]["saves"]) == (80, None)
    assert "1 row known before" in imported("--skip-unknown")[1]
    assert f"{import_id} " in ran("undo")[1]
    code, told = ran("undo", import_id)
    assert (code, "1 taken back, 1 restored, 0 left" in told) == (0, True), told
    undone = brand.roi_answer(**ASKED)
    figures = ("rows", "program", "totals")
    assert [undone[name] for name in figures] == [before[name] for name in figures]
    then = brand.roi_answer(as_of=after["meta"]["as_of"], **ASKED)
    assert [then[name] for name in figures] == [after[name] for name in figures]
    assert imported("--skip-unknown")[0] == 1
    wait_for(brand, "views", 1_200)
    brand.assert_verified()


def test_a_report_that_arrives_after_the_undo_of_its_import_does_not_count(brand: Brand) -> None:
    """As pages do it: the import, its reports, the undo; half of the reports come too late."""
    mia = brand.create("creators", name="Mia")
    for name in ("reel", "clip"):
        brand.create("placements", creator_id=mia["id"], platform="instagram", external_id=name)
    file = "placement,views,saves\nreel,12,\nclip,30,4\n"
    query = {"as_of": "2026-03-10T09:00:00Z", "source": "Agency", "quality": "manual"}
    made = brand.roi.post("/v1/imports/social", params=query, json={"file": file})
    assert made.status_code == 201, made.text
    early, late = made.json()["reports"]
    report(brand, early)
    wait_for(brand, "views", 12)
    undone = brand.roi.delete(f"/v1/imports/{made.json()['id']}").json()
    assert undone["undo"]["withdrawn"] == 1
    report(brand, late, {**early, "views": 13, "import_id": None})
    found = wait_for(brand, "views", 13)
    assert found["totals"]["saves"] is None
    brand.assert_verified()
