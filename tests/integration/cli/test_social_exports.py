"""The exports of platforms, as files: their titles, empty cells, totals, and unknown columns."""

import json
from pathlib import Path

import pytest

from services.cli.imports.csv_file import CsvFile
from services.cli.imports.social_rows import CountedRow
from services.cli.imports.social_titles import COLUMNS, EXPORTS, ExportName
from services.roi.domain.imports.csv_table import Asked, Row
from services.tracking.wire.event_batch import read_item
from shared.errors import ConfigurationError
from tests.unit.cli.test_social_rows import CLIP, REEL, VIDEO, reader

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


@pytest.mark.parametrize("export", list(ExportName))
def test_the_export_of_each_platform_becomes_events(tmp_path: Path, export: ExportName) -> None:
    """An empty cell is missing; a row of totals is left out; nine in Berlin is eight in UTC."""
    text, placement, counts = FILES[export]
    path = tmp_path / "export.csv"
    path.write_text(text)
    file = CsvFile(path, COLUMNS, Asked({}, titles=EXPORTS[export].titles))
    rows = [row for row in file.rows() if isinstance(row, Row)]
    items = [item for row in rows if (item := reader(export).read(row)) is not None]
    (item,) = items
    assert isinstance(item, CountedRow), item
    is_sheet = export is ExportName.SHEET
    assert item.event == {
        "type": "social_reported",
        "placement_id": placement,
        "source": "Agency" if is_sheet else EXPORTS[export].source,
        "quality": "manual" if is_sheet else "observed",
        "as_of": "2026-03-02T09:00:00+00:00",
        **counts,
    }
    assert f"{item.at:%H:%M}" == "10:00"
    assert read_item(json.dumps(item.event).encode())[0] == "social_reported"
    assert len(rows) - len(items) == (1 if export is ExportName.YOUTUBE else 0)


def test_columns_that_no_export_has_are_shown(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text("Permalink,Views,Plays,Mood\nx,1,2,good\n")
    titles = EXPORTS[ExportName.INSTAGRAM].titles
    with pytest.raises(ConfigurationError, match=r"columns that are not known \(Plays, Mood\)"):
        CsvFile(path, COLUMNS, Asked({}, titles=titles))
    # A column that is named is taken in place of the one that the export has.
    with pytest.raises(ConfigurationError, match=r"not known \(Mood\)"):
        CsvFile(path, COLUMNS, Asked({"views": "Plays"}, titles=titles))
    file = CsvFile(path, COLUMNS, Asked({"views": "Plays"}, skip_unknown=True, titles=titles))
    assert list(file.rows()) == [Row(2, {"placement": "x", "views": "2"})]
    path.write_text("Permalink,Mood\nx,good\n")
    with pytest.raises(ConfigurationError, match="none of the columns impressions"):
        CsvFile(path, COLUMNS, Asked({}, skip_unknown=True, titles=titles))
