"""The exports of platforms, as files: their titles, empty cells, totals, and unknown columns."""

from typing import Any

import pytest

from services.roi.domain.imports.csv_table import Header, Row
from services.roi.domain.imports.social_rows import CountedRow
from services.roi.domain.imports.social_titles import COLUMNS, EXPORTS, ExportName
from services.roi.routes.import_file import ImportFile, read_file
from services.roi.wire.import_shapes import ImportBody
from shared.http.problems import Problem
from tests.unit.roi.test_social_rows import AS_OF, CLIP, REEL, VIDEO, reader

FILES = {
    ExportName.INSTAGRAM: (
        "Post ID,Account ID,Account username,Account name,Description,Duration (sec),Publish time,"
        "Permalink,Post type,Data comment,Date,Views,Reach,Likes,Shares,Follows,Comments,Saves\n"
        '178,17,mia,Mia,"Spring, at last",12,03/01/2026 09:00,https://www.instagram.com/p/CxYz_1/,'
        "IG reel,,Lifetime,12500,9000,830,12,,41,0\n",
        REEL,
        {"views": 12_500, "reach": 9_000, "likes": 830, "shares": 12, "comments": 41, "saves": 0},
    ),
    ExportName.TIKTOK: (
        "Time,Video title,Video link,Post time,Total likes,Total comments,Total shares,"
        "Total views\n"
        "March 2,Spring,https://www.tiktok.com/@mia/video/7300000000001?lang=en,March 1,9,1,,300\n",
        CLIP,
        {"likes": 9, "comments": 1, "views": 300},
    ),
    ExportName.YOUTUBE: (
        "Content,Video title,Video publish time,Duration,Views,Watch time (hours),Subscribers,"
        "Impressions,Impressions click-through rate (%)\n"
        "Total,,,,900,40,7,9000,4.2\n"
        'dQw4w9WgXcQ,Spring,"Mar 1, 2026",212,800,31.2507,6,8000,4.5\n',
        VIDEO,
        {"views": 800, "watch_seconds": 112_503, "impressions": 8_000},
    ),
    ExportName.SHEET: (
        "Placement ID;as of;Source;quality;link taps;watch seconds;views\n"
        "SPRING-1;2026-03-02 10:00;Agency;manual;7;12.0;\n",
        REEL,
        {"link_taps": 7, "watch_seconds": 12},
    ),
}


def read(text: str, export: ExportName = ExportName.INSTAGRAM, **body: Any) -> ImportFile:
    return read_file(ImportBody(file=text, **body), COLUMNS, EXPORTS[export].titles)


@pytest.mark.parametrize("export", list(ExportName))
def test_the_export_of_each_platform_becomes_reports(export: ExportName) -> None:
    """An empty cell is missing; a row of totals is left out; ten in Berlin is nine in UTC."""
    text, placement, counts = FILES[export]
    file = read(text, export)
    assert file.header.unknown == ()
    rows = [row for row in file.rows if isinstance(row, Row)]
    (item,) = [item for row in rows if (item := reader(export).read(row)) is not None]
    assert isinstance(item, CountedRow), item
    is_sheet = export is ExportName.SHEET
    assert item.fields == {
        "placement_id": placement,
        "source": "Agency" if is_sheet else EXPORTS[export].source,
        "quality": "manual" if is_sheet else "observed",
        "as_of": AS_OF,
        **counts,
    }
    assert len(rows) == (2 if export is ExportName.YOUTUBE else 1)


def test_columns_that_no_export_has_are_shown_and_named() -> None:
    text = "Permalink,Views,Plays,Mood\nx,1,2,good\n"
    assert read(text).header.unknown == ("Plays", "Mood")
    with pytest.raises(Problem) as asked:
        read(text).ask_for_unknown()
    assert [error.field for error in asked.value.errors] == ["columns.Plays", "columns.Mood"]
    # A column that is named is taken in place of the one that the export has.
    named = read(text, columns={"Plays": "views"}, skip_unknown=True)
    named.ask_for_unknown()
    assert named.header == Header(
        ("placement", None, "views", None), ("Permalink", "Views", "Plays", "Mood"), (), ()
    )
    assert named.rows == [Row(2, {"placement": "x", "views": "2"})]
    with pytest.raises(Problem, match="none of the columns impressions"):
        read("Permalink,Mood\nx,good\n", skip_unknown=True)
