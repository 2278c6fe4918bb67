"""The bounds of imports over real HTTP: files that cannot be read, and the largest files."""

from collections.abc import AsyncIterator
from typing import Final

import pytest

from services.roi.store import import_rows
from services.roi.wire.import_shapes import COLUMNS_MAX, LISTED_MAX, ROWS_MAX, TITLE_CHARACTERS_MAX
from shared.http.middleware import BODY_BYTES_MAX
from tests.integration.roi.roi_service import BrandClient, brand_running
from tests.integration.roi.test_imports import Json, counts, imported, listed, two_creators


@pytest.fixture
async def brand(owner_url: str) -> AsyncIterator[BrandClient]:
    async with brand_running(owner_url) as client:
        yield client


WIDE: Final = dict.fromkeys(map(str, range(COLUMNS_MAX + 1)))
UNREADABLE: Final[tuple[tuple[Json, str], ...]] = (
    ({"file": ""}, "file"),
    ({"file": "\n\n"}, "file"),
    ({"file": "handle\n@mia\n"}, "file"),
    ({"file": "name,name\nMia,Mia\n"}, "file"),
    ({"file": "name\nMia\n", "columns": {"Name 2": "topics"}}, "columns.Name 2"),
    ({"file": "name,x\nMia,1\n", "columns": {"x": "mood"}}, "columns.x"),
    ({"file": "a,b\nMia,1\n", "columns": {"a": "name", "b": "name"}}, "columns.b"),
    ({"file": "name\nMia\n", "mood": 1}, "mood"),
    ({"file": 7}, "file"),
    (
        {"file": "name\nMia\n", "columns": WIDE},
        "columns",
    ),
)


async def test_a_file_that_cannot_be_read_names_the_field(brand: BrandClient) -> None:
    for body, field in UNREADABLE:
        refused = await brand.refused("POST", "/v1/imports/creators", body)
        assert (refused.status, list(refused.errors)) == (422, [field]), body
    large = {"file": f"name\n{'Mia' * BODY_BYTES_MAX}\n"}
    assert (await brand.refused("POST", "/v1/imports/creators", large)).status == 413


def with_titles(*more: str) -> Json:
    """A file with one creator and these further columns, which are left out."""
    empty = "," * len(more)
    return {"file": f"name,{','.join(more)}\nMia{empty}\n", "skip_unknown": True}


async def test_a_header_has_so_many_columns_and_such_long_titles(brand: BrandClient) -> None:
    most = with_titles(*(f"c{number}" for number in range(COLUMNS_MAX - 1)))
    longest = with_titles("x" * TITLE_CHARACTERS_MAX)
    for body in (most, longest):
        await brand.post("/v1/imports/creators", body)
    one_more = with_titles(*(f"c{number}" for number in range(COLUMNS_MAX)))
    longer = with_titles("Mood " + "x" * TITLE_CHARACTERS_MAX)
    open_quote = {"file": 'name,"Mood\n' + "Mia,good\n" * 100}
    for body, words in (
        (one_more, f"{COLUMNS_MAX + 1} columns, more than {COLUMNS_MAX}"),
        ({"file": "," * (BODY_BYTES_MAX // 2)}, f"columns, more than {COLUMNS_MAX}"),
        (longer, "'Mood xxx"),
        (open_quote, "'Mood\\nMia,good"),
    ):
        for asked in ("", "?dry_run=true"):
            refused = await brand.refused("POST", f"/v1/imports/creators{asked}", body)
            assert (refused.status, list(refused.errors)) == (422, ["file"])
            assert words in refused.errors["file"]
            assert len(refused.errors["file"]) < 2 * TITLE_CHARACTERS_MAX


async def test_of_too_many_names_the_newest_are_looked_at(
    brand: BrandClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await two_creators(brand)
    monkeypatch.setattr(import_rows, "NAMES_MAX", 1)
    answer = await imported(
        brand,
        "costs",
        "kind,incurred_on,amount,currency,creator\n"
        "fee,2026-03-01,1.00,EUR,Mia\n"
        "fee,2026-03-01,1.00,EUR,Leo\n"
        "fee,2026-03-01,2.00,EUR,CRM-LEO\n",
    )
    assert [one["line"] for one in answer["rejected"]] == [2]


async def test_a_file_of_the_most_rows_and_one_more(brand: BrandClient) -> None:
    rows = "".join(f"fee,2026-03-01,{number}.00,EUR\n" for number in range(1, ROWS_MAX + 1))
    file = "kind,incurred_on,amount,currency\n" + rows
    made = await imported(brand, "costs", file)
    assert counts(made) == (ROWS_MAX, 0, 0, 0)
    assert len(made["changes"]) == LISTED_MAX
    more = await brand.refused("POST", "/v1/imports/costs", {"file": file + rows[:30]})
    assert (more.status, list(more.errors)) == (422, ["file"])
    bad = await imported(brand, "costs", file.replace("2026-03-01", "yesterday"))
    assert counts(bad) == (0, 0, 0, ROWS_MAX)
    assert len(bad["rejected"]) == LISTED_MAX
    undone = await brand.ok("DELETE", f"/v1/imports/{made['id']}")
    assert undone["undo"]["withdrawn"] == ROWS_MAX
    assert await listed(brand, "costs") == []
