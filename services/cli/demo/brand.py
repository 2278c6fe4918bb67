"""The brand and its cast: a coffee roastery, seven creators of different kinds, and its own content.

All of it is made up. The numbers are chosen so that the answers tell something: reach is not return, a podcast sells without a single
click, gifted work still costs, and an order often has more than one parent.
"""

from dataclasses import dataclass
from typing import Final

CURRENCY: Final = "EUR"
DAYS: Final = 30


@dataclass(frozen=True, slots=True)
class Cost:
    """What was paid for a creator's or the brand's work; `day` of the month."""

    kind: str
    amount: str
    day: int
    note: str


@dataclass(frozen=True, slots=True)
class Post:
    """One placement with its link. `clicks` in the month, `buyers_permille` of the visitors buy; `tail` spreads clicks over
    many days (a video that is found by search) rather than the first two (a story)."""

    slug: str
    platform: str
    content_type: str
    format: str
    campaign: str
    day: int
    hour: int
    clicks: int
    buyers_permille: int
    tail: bool = False
    cta: str = "Try it"


@dataclass(frozen=True, slots=True)
class Talent:
    """A creator with everything that belongs to them; `listeners` are orders by code alone, without a click."""

    slug: str
    name: str
    kind: str
    platform: str
    handle: str
    followers: int
    country: str
    posts: tuple[Post, ...]
    costs: tuple[Cost, ...]
    code: str | None = None
    discount_percent: int = 0
    code_use_percent: int = 0
    listeners: int = 0
    topics: tuple[str, ...] = ("coffee",)


@dataclass(frozen=True, slots=True)
class Effort:
    """A campaign."""

    slug: str
    name: str
    objective: str
    budget: str


CAMPAIGNS: Final = (
    Effort("harvest", "New harvest launch", "sales", "12000.00"),
    Effort("club", "Coffee club", "retention", "3000.00"),
)

CAST: Final = (
    Talent(
        slug="aria",
        name="Aria Stone",
        kind="mega",
        platform="tiktok",
        handle="@ariastone",
        followers=2_140_000,
        country="GB",
        topics=("lifestyle", "travel"),
        posts=(
            Post(
                "aria-1",
                "tiktok",
                "product_collaboration",
                "short_video",
                "harvest",
                6,
                19,
                4100,
                4,
            ),
            Post("aria-2", "tiktok", "product_collaboration", "story", "harvest", 12, 20, 1300, 3),
        ),
        costs=(
            Cost("fee", "5200.00", 1, "two posts"),
            Cost("agent", "780.00", 1, "15 % to her agency"),
            Cost("product", "64.00", 2, "tasting box"),
        ),
    ),
    Talent(
        slug="mia",
        name="Mia Lindqvist",
        kind="micro",
        platform="instagram",
        handle="@mia.brews",
        followers=8_400,
        country="SE",
        topics=("coffee", "home barista"),
        posts=(
            Post("mia-1", "instagram", "tutorial", "reel", "harvest", 8, 18, 420, 66),
            Post("mia-2", "instagram", "review", "carousel", "harvest", 17, 8, 260, 58),
        ),
        costs=(
            Cost("fee", "300.00", 3, "two posts"),
            Cost("product", "38.00", 4, "beans and filters"),
            Cost("shipping", "9.90", 4, "parcel to Malmö"),
        ),
    ),
    Talent(
        slug="jonas",
        name="Jonas Weber",
        kind="podcaster",
        platform="podcast",
        handle="Kettle Talk",
        followers=31_000,
        country="DE",
        code="KETTLE15",
        discount_percent=15,
        code_use_percent=80,
        listeners=68,
        topics=("coffee", "business"),
        posts=(
            Post("jonas-1", "podcast", "host_read_ad", "audio", "harvest", 9, 6, 90, 40, tail=True),
        ),
        costs=(Cost("fee", "1100.00", 2, "three host-read spots"),),
    ),
    Talent(
        slug="vanlife",
        name="Lena & Tom",
        kind="mid-size",
        platform="youtube",
        handle="@lenaandtomonwheels",
        followers=184_000,
        country="AT",
        topics=("van life", "coffee"),
        posts=(
            Post(
                "vanlife-1", "youtube", "vlog", "long_video", "harvest", 4, 16, 880, 47, tail=True
            ),
        ),
        costs=(
            Cost("fee", "950.00", 1, "one film"),
            Cost("travel", "210.00", 2, "to the roastery"),
            Cost("lodging", "148.00", 2, "two nights"),
        ),
    ),
    Talent(
        slug="priya",
        name="Priya Nair",
        kind="gifted",
        platform="instagram",
        handle="@priyapours",
        followers=5_900,
        country="NL",
        topics=("coffee", "ceramics"),
        posts=(Post("priya-1", "instagram", "unboxing", "reel", "harvest", 11, 17, 310, 52),),
        costs=(
            Cost("product", "86.00", 5, "gift box, at cost"),
            Cost("shipping", "12.50", 5, "parcel to Utrecht"),
        ),
    ),
    Talent(
        slug="nomad",
        name="Café Nomad",
        kind="affiliate",
        platform="blog",
        handle="cafenomad",
        followers=46_000,
        country="DE",
        code="NOMAD10",
        discount_percent=10,
        code_use_percent=55,
        listeners=9,
        posts=(
            Post("nomad-1", "blog", "review", "article", "club", 2, 9, 640, 31, tail=True),
            Post("nomad-2", "newsletter", "review", "article", "club", 20, 7, 180, 36),
        ),
        costs=(Cost("commission", "186.00", 28, "10 % of last month's sales"),),
    ),
    Talent(
        slug="sam",
        name="Sam Okafor",
        kind="boosted",
        platform="tiktok",
        handle="@samsips",
        followers=97_000,
        country="IE",
        posts=(
            Post("sam-1", "tiktok", "creator_led_ad", "short_video", "harvest", 14, 20, 1450, 14),
            Post("sam-2", "tiktok", "tutorial", "short_video", "club", 22, 19, 240, 24),
        ),
        costs=(
            Cost("fee", "600.00", 10, "usage rights for 30 days"),
            Cost("paid_boost", "520.00", 14, "boost of his tutorial"),
        ),
    ),
)

BRAND_POSTS: Final = (
    Post("own-1", "instagram", "product", "reel", "harvest", 3, 11, 620, 15),
    Post("own-2", "newsletter", "launch", "article", "club", 16, 10, 380, 34),
)
BRAND_COSTS: Final = (
    Cost("production", "420.00", 2, "photo shoot"),
    Cost("staff_hours", "360.00", 3, "twelve hours"),
)

# What the shop sells, in cents, and how often it is in a basket.
SHELF: Final = ((1290, 34), (1590, 26), (3690, 14), (2490, 12), (8900, 4), (2190, 10))
ORGANIC_ORDERS_A_DAY: Final = (4, 9)
