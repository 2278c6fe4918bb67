"""Imports on running services, by HTTP and on the command line: after the undo all is as before."""

from pathlib import Path
from typing import Any, Final

import pytest

from shared.ids import new_id
from tests.e2e.installation import Brand, Installation, Json, eventually

pytestmark = pytest.mark.xdist_group("installation")

ASKED: Final = {"from": "2026-03-01", "to": "2026-03-31", "group_by": "placement"}
FILES: Final = {
    "creators": "external_id,name,country\nmia,Mia B.,FR\n,Zoe,DE\n",
    "placements": (
        "creator,Network,Published,URL 2,external_id\n"
        "mia,instagram,2026-03-02,https://instagram.example/reel/2,\n"
        "mia,tiktok,2026-03-03,,reel\n"
    ),
    "links": "creator,destination,code\nmia,https://shop.example/hat,{code}\n",
    "costs": (
        "kind,incurred_on,amount,currency,creator,external_id\n"
        "fee,2026-03-05,70.00,EUR,Mia,\n"
        "fee,2026-03-05,30.00,EUR,mia,fee-1\n"
    ),
}
TITLES: Final = {"placements": {"URL 2": "url"}}


@pytest.fixture
def brand(installation: Installation) -> Brand:
    """A brand with a creator, a reel, a link, a cost of both, and an order that the link won."""
    made = Brand.in_new_workspace(installation, f"files{new_id()[-8:]}")
    mia = made.create("creators", name="Mia", external_id="mia")
    reel = made.create(
        "placements",
        creator_id=mia["id"],
        platform="instagram",
        published_at="2026-03-01T09:00:00Z",
        external_id="reel",
    )
    code = f"reel-{new_id()[-8:]}"
    made.create("links", placement_id=reel["id"], destination="https://shop.example", code=code)
    cost = {"kind": "fee", "currency": "EUR", "incurred_on": "2026-03-05"}
    made.create("costs", amount="50.00", creator_id=mia["id"], external_id="fee-1", **cost)
    click_id = made.click(code)
    made.order(
        "1001",
        occurred_at="2026-03-04T09:00:00Z",
        net="49.90",
        currency="EUR",
        person={"click_id": click_id},
    )
    eventually(lambda: made.explanation("1001"), what="the order is decided")
    sequence = made.attribution.get("/v1/ledger/balance").json()["sequence"]
    eventually(
        lambda: made.roi_answer(**ASKED)["meta"]["sequence"] >= sequence or None,
        what="roi has folded the order",
    )
    return made


def figures(brand: Brand) -> Json:
    """Return every figure and label of the answers, without their moments."""
    found: Json = {}
    for dimension in ("placement", "creator", "platform", "country", "day"):
        answer = brand.roi_answer(**ASKED | {"group_by": dimension})
        found[dimension] = {name: part for name, part in answer.items() if name != "meta"}
    return found


def posted(brand: Brand, what: str, file: str, query: str = "") -> Json:
    body = {"file": file, "columns": TITLES.get(what, {})}
    answer = brand.roi.post(f"/v1/imports/{what}{query}", json=body)
    assert answer.status_code == (200 if query else 201), answer.text
    found: Json = answer.json()
    return found


def counts(answer: Json) -> list[int]:
    return [answer[name] for name in ("created", "changed", "unchanged", "rejected_rows")]


def undo_ids(told: str) -> list[str]:
    """Return the ids of the command that a file's import prints."""
    return told.partition("laurel undo ")[2].partition("`")[0].split()


@pytest.mark.parametrize(
    ("what", "made", "withdrawn", "restored"),
    [
        ("creators", [1, 1, 0, 0], 1, 1),
        ("placements", [1, 1, 0, 0], 1, 1),
        ("links", [1, 0, 0, 0], 1, 0),
        ("costs", [1, 1, 0, 0], 1, 1),
    ],
)
def test_after_the_undo_every_figure_is_as_before_the_import(
    brand: Brand, what: str, made: list[int], withdrawn: int, restored: int
) -> None:
    file = FILES[what].replace("{code}", f"hat-{new_id()[-8:]}")
    before, objects = figures(brand), brand.roi.get(f"/v1/{what}").json()
    assert counts(posted(brand, what, file, "?dry_run=true")) == made
    assert (figures(brand), brand.roi.get(f"/v1/{what}").json()) == (before, objects)

    imported = posted(brand, what, file)
    assert counts(imported) == made
    changed = figures(brand)
    assert (changed == before) == (what == "links")
    assert counts(posted(brand, what, file)) == [0, 0, sum(made), 0]
    assert figures(brand) == changed

    undone = brand.roi.delete(f"/v1/imports/{imported['id']}").json()["undo"]
    assert undone == {
        "withdrawn": withdrawn,
        "restored": restored,
        "left_objects": 0,
        "left": [],
    }
    assert (figures(brand), brand.roi.get(f"/v1/{what}").json()) == (before, objects)
    brand.assert_verified()


def test_a_link_of_a_file_works_until_its_import_is_undone(brand: Brand) -> None:
    code = f"hat-{new_id()[-8:]}"
    imported = posted(brand, "links", FILES["links"].replace("{code}", code))

    def status() -> int:
        return brand.tracking.head(f"/{code}").status_code

    eventually(lambda: status() == 302 or None, what="tracking knows the link of the file")
    brand.roi.delete(f"/v1/imports/{imported['id']}")
    eventually(lambda: status() != 302 or None, what="the link works no more")


def test_a_file_is_brought_in_and_taken_back_by_the_command_line(
    brand: Brand, tmp_path: Path
) -> None:
    path = tmp_path / "costs.csv"
    path.write_text(
        "Type,Date,Amount,Currency,Who,Mood\n"
        "fee,2026-03-05,70.00,EUR,Mia,good\n"
        'fee,2026-03-06,"1,000",EUR,Mia,bad\n'
    )
    before = figures(brand)

    def ran(*words: str) -> tuple[int, str]:
        done: Any = brand.laurel.command(*words, environment={"LAUREL_ADMIN_KEY": brand.key})
        return done.returncode, " ".join((done.stdout + done.stderr).split())

    whose = ("--column", "creator=Who")
    code, told = ran("import", "costs", str(path))
    assert code == 2
    assert "columns that are not known: Who, Mood" in told
    assert "--skip-unknown" in told
    code, told = ran("import", "costs", str(path), *whose, "--dry-run")
    assert code == 1
    assert "columns that are not known: Mood." in told
    assert "line 2 would be created" in told
    assert "nothing was imported" in told
    assert figures(brand) == before

    code, told = ran("import", "costs", str(path), *whose, "--skip-unknown")
    assert code == 1
    assert "line 3: Amount: write an amount with a decimal point" in told
    assert "1 row created, 0 rows changed, 0 rows known before" in told
    (import_id,) = undo_ids(told)
    assert figures(brand) != before
    assert "1 row known before" in ran("import", "costs", str(path), *whose, "--skip-unknown")[1]
    assert f"{import_id} " in ran("undo")[1]
    code, told = ran("undo", import_id)
    assert (code, "1 archived, 0 restored, 0 left" in told) == (0, True), told
    assert figures(brand) == before
    code, told = ran("undo", new_id())
    assert code == 2
    assert "404" in told


def test_a_long_file_is_several_imports_that_one_command_takes_back(
    brand: Brand, tmp_path: Path
) -> None:
    path = tmp_path / "creators.csv"
    names = [f"Creator {number}" for number in range(2_100)]
    path.write_text("name\n" + "\n".join([*names, "x" * 201]) + "\n")

    def ran(*words: str) -> tuple[int, str]:
        done: Any = brand.laurel.command(*words, environment={"LAUREL_ADMIN_KEY": brand.key})
        return done.returncode, " ".join((done.stdout + done.stderr).split())

    code, told = ran("import", "creators", str(path))
    assert code == 1, told
    assert "line 2102: name:" in told
    assert "2,100 rows created" in told
    ids = undo_ids(told)
    assert len(ids) == 2
    code, told = ran("undo", *ids)
    assert code == 0, told
    assert "2,000 archived" in told
    assert "100 archived" in told
    assert [one["name"] for one in brand.roi.get("/v1/creators").json()["items"]] == ["Mia"]
