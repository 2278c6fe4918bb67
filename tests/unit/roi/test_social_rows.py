"""The row of an export of counts: its placement, counts and time, and what is wrong with it."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from services.roi.domain.imports.csv_table import BadRow, Row
from services.roi.domain.imports.names import PlacementNames, post_names
from services.roi.domain.imports.social_rows import CountedRow, Given, SocialReader, column_of
from services.roi.domain.imports.social_titles import EXPORTS, ExportName
from tests.factories import placement_id

BERLIN = ZoneInfo("Europe/Berlin")
REEL, CLIP, VIDEO, TWIN = (placement_id(name) for name in ("reel", "clip", "video", "twin"))
NAMES = PlacementNames(
    [
        {"id": REEL, "external_id": "SPRING-1", "url": "https://www.instagram.com/reel/CxYz_1/"},
        {"id": CLIP, "external_id": None, "url": "https://tiktok.com/@mia/video/7300000000001"},
        {"id": VIDEO, "external_id": "v", "url": "https://www.youtube.com/watch?v=dQw4w9WgXcQ&t=3"},
        {"id": TWIN, "external_id": None, "url": "https://b.example/1"},
        {"id": placement_id("other twin"), "url": "https://c.example/1"},
        {"id": placement_id("plain"), "external_id": None, "url": None},
    ]
)
AS_OF = datetime(2026, 3, 2, 9, tzinfo=UTC)
NOW = datetime(2026, 4, 1, tzinfo=UTC)
GIVEN = Given(AS_OF, None, "observed")


def reader(export: ExportName = ExportName.SHEET, given: Given = GIVEN) -> SocialReader:
    return SocialReader(EXPORTS[export], NAMES, given, BERLIN, NOW)


def found(**values: str) -> CountedRow | BadRow | None:
    sent = {"placement": "SPRING-1", "source": "Agency", "views": "7"} | values
    return reader().read(Row(7, {name: value for name, value in sent.items() if value}))


@pytest.mark.parametrize(
    ("text", "placement"),
    [
        (REEL, REEL),
        ("SPRING-1", REEL),
        ("https://instagram.com/reel/CxYz_1", REEL),
        ("http://www.instagram.com/p/CxYz_1/?igsh=abc", REEL),
        ("CxYz_1", REEL),
        ("https://youtu.be/dQw4w9WgXcQ", VIDEO),
        ("https://m.youtube.com/watch?v=dQw4w9WgXcQ", VIDEO),
        ("https://b.example/1", TWIN),
        ("1", None),
        ("https://d.example/1", None),
        ("nothing", None),
        ("https://instagram.com/", None),
        ("http://[", None),
    ],
)
def test_a_placement_is_known_by_its_ids_and_its_post(text: str, placement: str | None) -> None:
    assert NAMES.named(text) == placement


def test_an_address_has_its_post_in_it() -> None:
    assert list(post_names("https://www.instagram.com/reel/A/")) == ["instagram.com/reel/A", "A"]
    assert list(post_names("reel/A")) == []


@pytest.mark.parametrize(
    ("values", "column"),
    [
        ({"placement": ""}, "placement"),
        ({"placement": "nobody"}, "placement"),
        ({"source": ""}, "source"),
        ({"as_of": "02.03.2026"}, "as_of"),
        ({"as_of": "2026-04-02"}, "as_of"),
        ({"views": ""}, "views"),
        ({"views": "1,250"}, "views"),
        ({"views": "1.250"}, "views"),
        ({"views": "-1"}, "views"),
        ({"views": "many"}, "views"),
        ({"watch_hours": "1:30"}, "watch_hours"),
        ({"watch_hours": "1.5", "watch_seconds": "5400"}, "watch_hours"),
    ],
)
def test_what_is_wrong_with_a_row_is_named_by_line_and_column(
    values: dict[str, str], column: str
) -> None:
    bad = found(**values)
    assert isinstance(bad, BadRow)
    assert (bad.line, [name for name, _ in bad.flaws]) == (7, [column])
    assert all(message for _, message in bad.flaws)


def test_all_that_is_wrong_with_a_row_is_told_at_once() -> None:
    row = Row(3, {"placement": "nobody", "views": "1,250", "likes": "x"})
    bad = reader(given=Given(None, None, "observed")).read(row)
    assert isinstance(bad, BadRow)
    assert [name for name, _ in bad.flaws] == ["placement", "source", "as_of", "views", "likes"]


def test_a_column_counts_before_what_is_said_for_all_rows() -> None:
    given = Given(datetime(2026, 3, 5, tzinfo=UTC), "Me", "manual")
    row = Row(2, {"placement": "SPRING-1", "views": "1"})
    item = reader(ExportName.INSTAGRAM, given).read(row)
    assert isinstance(item, CountedRow)
    assert item.fields == {
        "placement_id": REEL,
        "source": "Me",
        "quality": "manual",
        "as_of": given.as_of,
        "views": 1,
    }
    said = {"source": "You", "quality": "estimated", "as_of": "2026-03-06"}
    other = reader(ExportName.INSTAGRAM, given).read(Row(2, {**row.values, **said}))
    assert isinstance(other, CountedRow)
    assert (other.fields["source"], other.fields["quality"]) == ("You", "estimated")
    assert other.fields["as_of"] == datetime(2026, 3, 5, 23, tzinfo=UTC)


def test_a_field_of_a_report_has_its_column() -> None:
    assert set(EXPORTS) == set(ExportName)
    assert column_of("placement_id") == "placement"
    assert column_of("views") == "views"
