"""The kinds of files that can be imported: their columns, and what is asked beside the file. Pure.

To offer another kind of `POST /v1/imports/{what}` is to add an entry. A test holds the columns
equal to those that the API names.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from services.dashboard.layout.parts import Choice


@dataclass(frozen=True, slots=True)
class Question:
    """A field beside the file: a parameter of the call."""

    name: str
    label: str
    kind: str = "text"
    help: str | None = None
    options: Sequence[Choice] = ()


@dataclass(frozen=True, slots=True)
class FileKind:
    """One kind of file. `scope` is what the key needs; `page` shows what was imported."""

    what: str
    label: str
    says: str
    columns: Sequence[str]
    example: Sequence[str]
    page: str
    needs: str
    questions: Sequence[Question] = ()
    scopes: Sequence[str] = ("write",)


_COSTS: Final = FileKind(
    "costs",
    "Costs",
    "Each row is a cost: fees, gifts, travel, hours of your own staff.",
    (
        "kind",
        "incurred_on",
        "currency",
        "amount",
        "hours",
        "rate",
        "external_id",
        "placement",
        "creator",
        "campaign",
        "agent",
        "boosts_placement",
        "from",
        "to",
        "spread",
        "paid_on",
        "retail_value",
        "note",
    ),
    ("kind,incurred_on,amount,currency,creator,note", "fee,2026-03-01,250.00,EUR,Mia,two stories"),
    "/app/costs",
    "kind, incurred_on, currency, and amount or hours with rate",
)
_CREATORS: Final = FileKind(
    "creators",
    "Creators",
    "Each row is a creator; a row with a platform is an account there.",
    ("name", "external_id", "handle", "country", "topics", "platform", "followers"),
    ("name,platform,handle,followers,country", "Mia,instagram,@mia,12500,DE"),
    "/app/creators",
    "name",
)
_PLACEMENTS: Final = FileKind(
    "placements",
    "Content",
    "Each row is a piece of content, planned or published.",
    (
        "platform",
        "creator",
        "is_brand",
        "external_id",
        "campaign",
        "content_type",
        "length_seconds",
        "format",
        "planned_at",
        "published_at",
        "url",
        "cta",
        "topics",
    ),
    (
        "platform,creator,published_at,content_type,url",
        "instagram,Mia,2026-03-01,reel,https://instagram.com/p/abc",
    ),
    "/app/creators",
    "platform, and creator or is_brand",
)
_LINKS: Final = FileKind(
    "links",
    "Links",
    "Each row is a short link of a creator or of a piece of content.",
    ("destination", "placement", "creator", "external_id", "code", "enabled"),
    ("destination,creator,code", "https://shop.example/bag,Mia,mia-bag"),
    "/app/links",
    "destination, and placement or creator",
)
_SOCIAL: Final = FileKind(
    "social",
    "Counts of content",
    "Each row has the counts so far of one piece of content: views, likes and others.",
    (
        "placement",
        "impressions",
        "reach",
        "views",
        "watch_seconds",
        "likes",
        "comments",
        "shares",
        "saves",
        "link_taps",
        "followers_gained",
        "watch_hours",
        "as_of",
        "source",
        "quality",
    ),
    (
        "placement,as_of,source,views,likes",
        "https://instagram.com/p/abc,2026-03-08,agency,8200,410",
    ),
    "/app/overview",
    "placement and at least one count",
    (
        Question(
            "export",
            "The file comes from",
            "select",
            options=(
                ("sheet", "a sheet of our own"),
                ("instagram", "Instagram"),
                ("tiktok", "TikTok"),
                ("youtube", "YouTube"),
            ),
        ),
        Question("as_of", "Counted on", "date", "Where no column says it."),
        Question("source", "Counted by", help="Where no column says it, such as an agency."),
        Question(
            "quality",
            "The counts were",
            "select",
            options=(
                ("observed", "read from the platform"),
                ("manual", "typed in by a person"),
                ("estimated", "estimated"),
            ),
        ),
    ),
    # The counts are sent to tracking, which takes events.
    ("write", "track"),
)
FILE_KINDS: Final[Mapping[str, FileKind]] = {
    kind.what: kind for kind in (_COSTS, _CREATORS, _PLACEMENTS, _LINKS, _SOCIAL)
}
