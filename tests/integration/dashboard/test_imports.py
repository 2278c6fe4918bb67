"""Imports: a file is looked at, its columns are named, it is imported and undone."""

import html
import re
from collections.abc import Callable

import httpx
import pytest

from services.dashboard.pages.imports.file_form import FILE_BYTES_MAX
from services.dashboard.pages.imports.kinds import FILE_KINDS
from tests.e2e.installation import Brand, Installation
from tests.integration.dashboard.site import Visitor

pytestmark = [pytest.mark.xdist_group("installation")]

COSTS = (
    "kind,incurred_on,amount,currency,Who,creator\n"
    "fee,2026-03-01,250.00,EUR,finance,Mia\n"
    "fee,2026-03-02,many,EUR,finance,Mia\n"
    'travel,2026-03-03,12.50,EUR,"two\nlines",Mia\n'
)


def look(visitor: Visitor, what: str, text: str | bytes, **fields: str) -> httpx.Response:
    """Choose a file and look at it."""
    page = f"/app/import/{what}"
    token = re.search(r'name="csrf" value="([^"]+)"', visitor.get(page))
    assert token is not None
    return visitor.client.post(
        f"{page}/look",
        data={"csrf": token[1], **fields},
        files={"file": ("file.csv", text, "text/csv")},
    )


def carried(text: str) -> str:
    """Return the file that travels in a page, as a browser sends it."""
    found = re.search(r'<textarea name="text" hidden>\n(.*?)</textarea>', text, re.DOTALL)
    assert found is not None
    return html.unescape(found[1]).replace("\n", "\r\n")


def test_a_file_is_looked_at_imported_and_undone(
    new_brand: Callable[[], Brand], dashboard: str
) -> None:
    brand = new_brand()
    brand.create("creators", name="Mia")
    with Visitor(dashboard, brand.key) as visitor:
        first = look(visitor, "costs", "\ufeff" + COSTS)
        assert first.status_code == 200, first.text
        text = html.unescape(first.text)
        assert "The column “Who” is" in text
        assert ">Import " not in text
        title = re.search(r'name="title\.0" value="([^"]*)"', text)
        assert title is not None
        assert title[1] == "Who"
        assert brand.roi.get("/v1/costs").json()["items"] == []

        named = {"text": carried(first.text), "title.0": "Who", "column.0": "note"}
        page = "/app/import/costs"
        second = visitor.send(f"{page}/look", page, **named)
        assert second.status_code == 200, second.text
        text = html.unescape(second.text)
        assert "3 rows: 2 new, 1 not taken." in text
        assert "Import 2 rows" in text
        assert re.search(r'<th [^>]*data-value="3"[^>]*>3</th><td[^>]*>amount</td>', text)
        assert brand.roi.get("/v1/costs").json()["items"] == []
        assert brand.roi.get("/v1/imports").json()["items"] == []

        done = visitor.send(page, page, **{**named, "text": carried(second.text)})
        assert done.status_code == 303, done.text
        notes = {one["note"] for one in brand.roi.get("/v1/costs").json()["items"]}
        assert notes == {"finance", "two\nlines"}
        text = visitor.get(done.headers["location"])
        assert "Imported: 2 new, 1 not taken." in text
        (line,) = visitor.csv(f"{page}.csv")
        assert (line["what"], line["created"], line["state"]) == ("costs", "2", "counts")
        (stored,) = brand.roi.get("/v1/imports").json()["items"]
        undo = f"{page}/undo/{stored['id']}"
        assert f'action="{undo}"' in text
        undone = visitor.send(undo, page)
        assert undone.status_code == 303, undone.text
        assert "The import is undone: 2 taken back." in visitor.get(undone.headers["location"])
        assert brand.roi.get("/v1/costs").json()["items"] == []


def test_a_column_that_lacks_can_be_named(new_brand: Callable[[], Brand], dashboard: str) -> None:
    brand = new_brand()
    with Visitor(dashboard, brand.key) as visitor:
        first = look(visitor, "creators", "Wer;Land\nMia;DE\n")
        assert first.status_code == 422
        text = html.unescape(first.text)
        assert "no column name" in text
        fields = {
            "text": carried(first.text),
            "title.0": "Wer",
            "column.0": "name",
            "title.1": "Land",
            "column.1": "-",
        }
        page = "/app/import/creators"
        done = visitor.send(page, page, **fields)
        assert done.status_code == 303, done.text
        (mia,) = brand.roi.get("/v1/creators").json()["items"]
        assert (mia["name"], mia["country"]) == ("Mia", None)
        twice = {**fields, "column.1": "name"}
        refused = visitor.send(page, page, **twice)
        assert refused.status_code == 422
        assert 'id="field-column.1-error"' in refused.text


def test_counts_of_content_are_imported(new_brand: Callable[[], Brand], dashboard: str) -> None:
    brand = new_brand()
    mia = brand.create("creators", name="Mia")
    reel = brand.create(
        "placements",
        creator_id=mia["id"],
        platform="instagram",
        published_at="2026-03-01T12:00:00Z",
        external_id="reel-1",
    )
    assert reel["id"]
    rows = "placement,views,likes\nreel-1,8200,410\n"
    asked = {"export": "sheet", "as_of": "2026-03-08", "source": "agency", "quality": "manual"}
    with Visitor(dashboard, brand.key) as visitor:
        first = look(visitor, "social", rows, **asked)
        assert first.status_code == 200, first.text
        assert 'name="as_of" value="2026-03-08"' in first.text
        page = "/app/import/social"
        done = visitor.send(page, page, text=carried(first.text), **asked)
        assert done.status_code == 303, done.text
        assert "Imported: 1 new." in visitor.get(done.headers["location"])
        without = look(visitor, "social", rows, export="sheet")
        assert "Rows that cannot be taken" in without.text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"", "Choose a CSV file."),
        (b"  \n", "Choose a CSV file."),
        ("name\nZoë\n".encode("cp1252"), "save it as “CSV UTF-8”"),
        (b"name\n" + b"x" * FILE_BYTES_MAX, "divide it"),
        (b"\nname\n", "has no header"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_at_its_field(
    demo: Visitor, text: bytes, told: str
) -> None:
    answer = look(demo, "creators", text)
    assert answer.status_code == 422
    assert told in html.unescape(answer.text)


def test_as_many_columns_as_the_api_takes_can_be_named(demo: Visitor) -> None:
    titles = ["name", *(f"x{number}" for number in range(199))]
    text = ",".join(titles) + "\nMia" + "," * 199 + "\n"
    fields = {f"title.{number}": title for number, title in enumerate(titles)}
    fields |= {f"column.{number}": "-" if number else "name" for number in range(200)}
    answer = look(demo, "creators", text, **fields)
    assert answer.status_code == 200, answer.text
    assert "Import 1 row<" in answer.text


def test_the_columns_of_each_kind_are_those_of_the_api(
    installation: Installation, demo: Visitor
) -> None:
    roi = installation.client("roi", demo.key)
    for kind in FILE_KINDS.values():
        unknown = {"file": f"{kind.example[0]},other\n"}
        refused = roi.post(f"/v1/imports/{kind.what}", json=unknown)
        assert refused.status_code == 422
        (error,) = refused.json()["errors"]
        assert error["field"] == "columns.other"
        known = error["message"].partition("it is one of ")[2].partition(", or null")[0]
        assert set(known.split(", ")) == set(kind.columns), kind.what
        example = {"file": "\n".join(kind.example)}
        taken = roi.post(f"/v1/imports/{kind.what}", params={"dry_run": "true"}, json=example)
        assert taken.status_code == 200, taken.text
        assert taken.json()["unknown_columns"] == []


def test_a_forged_form_is_refused_and_a_reader_has_none(demo: Visitor, reader: Visitor) -> None:
    files = {"file": ("file.csv", "name\nMallory\n", "text/csv")}
    for path in ("/app/import/creators", "/app/import/creators/look"):
        answer = demo.client.post(path, data={"csrf": "x"}, files=files)
        assert answer.status_code == 403
    assert "Mallory" not in demo.get("/app/import/creators")
    text = reader.get("/app/import/creators")
    assert "Your key may not import" in text
    assert "Look at it" not in text


def test_an_unknown_kind_is_not_found(demo: Visitor) -> None:
    assert "Files are of" in demo.get("/app/import/nonsense", 404)
