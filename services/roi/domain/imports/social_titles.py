"""What exports of platforms call their columns: the known column of each, or None: it is left out.

Pure. To add an export is to add an entry. A title that no entry has is shown and asked for. Titles
are in the form of `plain_title`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from services.roi.domain.imports.csv_table import Columns, plain_title
from shared.credits import COUNT_NAMES

PLACEMENT: Final = "placement"
AS_OF: Final = "as_of"
SOURCE: Final = "source"
QUALITY: Final = "quality"
WATCH_HOURS: Final = "watch_hours"  # hours with decimals, in place of whole seconds
COLUMNS: Final = Columns(
    needed=(PLACEMENT,),
    one_of=(*COUNT_NAMES, WATCH_HOURS),
    optional=(AS_OF, SOURCE, QUALITY),
)


class ExportName(StrEnum):
    """The kinds of files."""

    SHEET = "sheet"
    INSTAGRAM = "instagram"
    TIKTOK = "tiktok"
    YOUTUBE = "youtube"


@dataclass(frozen=True, slots=True)
class Export:
    """One kind of file: its titles, the source of its counts, and the word of its row of totals."""

    source: str | None = None
    titles: Mapping[str, str | None] = field(default_factory=dict)
    totals: str | None = None


def _titles(known: Mapping[str, str], *left_out: str) -> Mapping[str, str | None]:
    found: dict[str, str | None] = {plain_title(title): None for title in left_out}
    return found | {plain_title(title): column for title, column in known.items()}


EXPORTS: Final[Mapping[ExportName, Export]] = {
    # A sheet of one's own: its titles are the known columns.
    ExportName.SHEET: Export(titles=_titles({"Placement ID": PLACEMENT, "URL": PLACEMENT})),
    # Meta Business Suite, Insights, Content, Export data.
    ExportName.INSTAGRAM: Export(
        source="Instagram",
        titles=_titles(
            {
                "Permalink": PLACEMENT,
                "Impressions": "impressions",
                "Reach": "reach",
                "Views": "views",
                "Likes": "likes",
                "Comments": "comments",
                "Shares": "shares",
                "Saves": "saves",
                "Follows": "followers_gained",
            },
            "Post ID",
            "Account ID",
            "Account username",
            "Account name",
            "Description",
            "Duration (sec)",
            "Publish time",
            "Post type",
            "Data comment",
            "Date",
        ),
    ),
    # TikTok Studio, Analytics, Content, Download data.
    ExportName.TIKTOK: Export(
        source="TikTok",
        titles=_titles(
            {
                "Video link": PLACEMENT,
                "Total views": "views",
                "Total likes": "likes",
                "Total comments": "comments",
                "Total shares": "shares",
            },
            "Time",
            "Video title",
            "Post time",
        ),
    ),
    # YouTube Studio, Analytics, Advanced mode, Content, Export: the file "Table data".
    # "Subscribers" are those who came less those who left, which is no count.
    ExportName.YOUTUBE: Export(
        source="YouTube Studio",
        titles=_titles(
            {
                "Content": PLACEMENT,
                "Impressions": "impressions",
                "Unique viewers": "reach",
                "Views": "views",
                "Watch time (hours)": WATCH_HOURS,
                "Likes": "likes",
                "Comments added": "comments",
                "Shares": "shares",
                "Subscribers gained": "followers_gained",
            },
            "Video title",
            "Video publish time",
            "Duration",
            "Subscribers",
            "Impressions click-through rate (%)",
            "Average view duration",
            "Average percentage viewed (%)",
            "Estimated revenue (USD)",
        ),
        totals="Total",
    ),
}
