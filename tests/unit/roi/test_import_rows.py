"""The rows of imports: headers, cells, names of objects, keys of rows, and accounts of creators."""

import csv
import io
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.roi.domain.imports.cells import (
    CellRefused,
    amount,
    choice,
    flag,
    local_moment,
    whole_number,
    words,
)
from services.roi.domain.imports.csv_table import (
    Asked,
    BadRow,
    Row,
    read_header,
    separator_of,
    table_rows,
)
from services.roi.domain.imports.import_kinds import (
    COSTS,
    CREATORS,
    IMPORT_KINDS,
    PLACEMENTS,
    ImportKind,
    with_account,
)
from services.roi.domain.imports.import_rows import ImportRow, read_rows
from services.roi.domain.imports.names import ObjectNames, post_address
from services.roi.wire.cost_shapes import CostBody
from services.roi.wire.link_shapes import LinkBody
from services.roi.wire.people import CreatorBody, PlacementBody

BERLIN = ZoneInfo("Europe/Berlin")
BODIES: dict[str, Any] = {
    "costs": CostBody,
    "creators": CreatorBody,
    "placements": PlacementBody,
    "links": LinkBody,
}


def read(kind: ImportKind, text: str) -> list[ImportRow | BadRow]:
    separator = separator_of(text.partition("\n")[0])
    titles = next(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    header = read_header(titles, kind.table, Asked({}, titles=kind.titles))
    assert (header.unknown, header.wrong) == ((), ())
    rows = table_rows(io.StringIO(text, newline=""), separator, header.names)
    return list(read_rows(kind, rows, BERLIN))


@pytest.mark.parametrize("kind", IMPORT_KINDS.values(), ids=lambda kind: str(kind.what))
def test_every_column_is_a_field_of_the_body_and_every_title_a_column(kind: ImportKind) -> None:
    # These two make an account of a creator.
    fields = {*BODIES[kind.what].model_fields, "platform", "followers"}
    assert {column.field for column in kind.columns.values()} <= fields
    assert set(kind.titles.values()) <= set(kind.columns)
    assert not set(kind.titles) & set(kind.columns), "a title must not hide a column"
    assert set(kind.table.known) == set(kind.columns)
    assert kind.column_of("unheard_of") == "unheard_of"


# The fields of bodies that no column is read for, each with the reason.
WITHOUT_COLUMN = {
    ("costs", "amount_minor"): "`amount` says it as people write money",
    ("creators", "platform_accounts"): "`platform`, `handle` and `followers` make one account",
    ("creators", "audience"): "it has a shape of the brand's own, which no cell holds",
}


def test_every_field_of_a_body_has_a_column_or_a_reason_why_none() -> None:
    fields = {(what, name) for what, body in BODIES.items() for name in body.model_fields}
    columns = {
        (what, column.field)
        for what, kind in IMPORT_KINDS.items()
        for column in kind.columns.values()
    }
    assert fields - columns == set(WITHOUT_COLUMN)


def test_fields_are_named_by_their_columns() -> None:
    assert COSTS.column_of("creator_id") == "creator"
    assert CREATORS.column_of("topics.3") == "topics"
    assert CREATORS.column_of("platform_accounts.0.followers") == "followers"


def test_cells_as_people_write_them() -> None:
    assert local_moment("2026-03-01 09:00", BERLIN) == datetime(2026, 3, 1, 8, tzinfo=UTC)
    assert local_moment("2026-03-01T09:00:00 +0200", BERLIN).hour == 7
    assert local_moment("2026-03-01 09:00:00 UTC", BERLIN).hour == 9
    assert whole_number("48000.0") == 48_000
    assert (amount("49.90"), choice("Paid Boost"), choice("staff-hours")) == (
        "49.90",
        "paid_boost",
        "staff_hours",
    )
    assert (flag("Yes"), flag("0")) == (True, False)
    assert words("bags; hats, big;") == ["bags", "hats, big"]
    assert words("bags, hats") == ["bags", "hats"]


@pytest.mark.parametrize(
    ("reader", "text"),
    [
        (amount, "1,250.50"),
        (amount, "49,90"),
        (amount, "20 EUR"),
        (amount, "€20"),
        (whole_number, "1.250"),
        (whole_number, "many"),
        (flag, "maybe"),
        (lambda text: local_moment(text, BERLIN), "01.03.2026"),
        (lambda text: local_moment(text, BERLIN), "0001-01-01"),
    ],
)
def test_a_cell_that_may_mean_two_things_is_refused(reader: Any, text: str) -> None:
    with pytest.raises(CellRefused, match=r"send|write"):
        reader(text)


def test_an_empty_cell_is_missing_and_never_zero() -> None:
    (row,) = read(COSTS, "Type;Date;Amount;Currency;Creator;hours\nfee;2026-03-01;0.00;EUR; ;\n")
    assert isinstance(row, ImportRow)
    assert row.values == {
        "kind": "fee",
        "incurred_on": "2026-03-01",
        "amount": "0.00",
        "currency": "EUR",
    }
    assert (row.references, row.external_id) == ({}, None)


def test_all_that_is_wrong_with_a_row_is_told_at_once() -> None:
    (row,) = read(COSTS, 'kind,incurred_on,currency,amount,note\n,,EUR,"1,000",x\n')
    assert isinstance(row, BadRow)
    assert (row.line, [column for column, _ in row.flaws]) == (2, ["kind", "incurred_on", "amount"])
    (row,) = read(CREATORS, "name,followers,handle\nMia,7,@mia\n")
    assert isinstance(row, BadRow)
    assert row.flaws == (("platform", "is empty, and followers needs it"),)


def test_a_reference_is_kept_as_text_until_it_is_looked_up() -> None:
    (row,) = read(
        PLACEMENTS, "Network,Influencer,Campaign ID,published\nblog,@mia,S-1,2026-03-01\n"
    )
    assert isinstance(row, ImportRow)
    assert row.references == {
        "creator_id": ("creator", "@mia"),
        "campaign_id": ("campaign", "S-1"),
    }
    assert row.values["published_at"] == "2026-02-28T23:00:00+00:00"


def keys(text: str) -> list[str]:
    rows = read(COSTS, text)
    assert all(isinstance(row, ImportRow) for row in rows)
    return [row.content_key for row in rows if isinstance(row, ImportRow)]


def test_the_key_of_a_row_follows_from_its_cells_and_from_equal_rows_before_it() -> None:
    head, row = "kind,incurred_on,currency,amount\n", "fee,2026-03-01,EUR,1.00\n"
    first, second = keys(head + row + row)
    assert first != second
    other = "fee,2026-03-01,EUR,2.00\n"
    assert keys(head + other + row + other + row)[1::2] == [first, second]
    assert keys("Amount;Currency;Date;Type;note\n1.00;EUR;2026-03-01; fee;\n") == [first]
    assert keys(head + other) != [first]
    assert all(key.startswith("import:") and len(key) <= 128 for key in (first, second))


def test_a_name_of_several_objects_names_none() -> None:
    names = ObjectNames()
    names.add("1", "Mia", "@mia")
    names.add("2", "Leo", None)
    names.add("3", "leo")
    assert [names.named(text) for text in ("mia", "@MIA", "Leo", "Zoe")] == ["1", "1", None, None]
    shared = [names.is_of_several(text) for text in ("mia", "LEO", "Zoe")]
    assert shared == [False, True, False]


def test_the_address_of_a_post_without_what_changes() -> None:
    assert post_address("https://www.instagram.com/reel/A/?igsh=1") == "instagram.com/reel/A"
    assert post_address("no address") == "no address"


def test_a_row_of_a_creator_is_about_one_account() -> None:
    made = with_account(
        {"name": "Mia", "platform": "Instagram", "handle": "@mia", "followers": 5}, {}
    )
    assert made == {
        "name": "Mia",
        "handle": "@mia",
        "platform_accounts": [{"platform": "Instagram", "handle": "@mia", "followers": 5}],
    }
    current = {
        "handle": "@mia",
        "platform_accounts": [
            {"platform": "instagram", "handle": "@mia", "followers": 5},
            {"platform": "tiktok", "handle": "@mia.tt", "followers": 7},
        ],
    }
    row = {"name": "Mia", "platform": "INSTAGRAM", "handle": "@mia.b"}
    assert with_account(dict(row), current) == {
        "name": "Mia",
        "platform_accounts": [
            {"platform": "instagram", "handle": "@mia.b", "followers": 5},
            {"platform": "tiktok", "handle": "@mia.tt", "followers": 7},
        ],
    }
    assert with_account({"name": "Mia", "handle": "@m"}, current) == {"name": "Mia", "handle": "@m"}


def test_titles_are_compared_without_capitals_and_unknown_ones_are_shown() -> None:
    asked = Asked({"note": "Comment"}, titles=COSTS.titles)
    titles = ["TYPE", "Incurred-On", "currency ", "Amount", "Comment", "Mood", ""]
    header = read_header(titles, COSTS.table, asked)
    assert header.names == ("kind", "incurred_on", "currency", "amount", "note", None, None)
    assert (header.unknown, header.wrong) == (("Mood", "(no name)"), ())
    assert (header.title_of("kind"), header.title_of("agent")) == ("TYPE", "agent")
    lacking = read_header(["Date", "Type", "kind"], COSTS.table, asked)
    assert lacking.wrong == (
        "the columns kind more than once",
        "no column currency",
        "none of the columns amount, hours",
    )
    assert list(table_rows(["a\n", "x\n"], ",", ("name",))) == [Row(2, {"name": "x"})]
