"""The data of the demo: a made-up coffee roastery, its seven creators, posts, costs and prices.

The numbers are chosen so that the answers show something: reach is not return, a podcast sells
without clicks, gifted work has a cost, and several creators often lead to one order.
"""

from dataclasses import dataclass
from typing import Final

from services.roi.answers.metrics.cost import COST
from services.roi.answers.metrics.net_revenue import NET_REVENUE
from services.roi.answers.metrics.roi import ROI

CURRENCY: Final = "EUR"
# What is left of net revenue after beans, roasting and packing.
MARGIN: Final = "0.62"
DEMO_DAYS: Final = 30


@dataclass(frozen=True, slots=True)
class DemoCost:
    """A payment for the work of a creator or of the brand; `day` counts from 0 in the month.

    `retail_value`: what a gift would have cost in the shop.
    """

    kind: str
    amount: str
    day: int
    note: str
    retail_value: str | None = None


@dataclass(frozen=True, slots=True)
class DemoPost:
    """One placement with its link.

    It gets `clicks` in the month, and `buyers_permille` of the visitors buy. With `tail` the clicks
    spread over many days (a video that people find by search); without it most come on the first
    two (a story).
    """

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
class DemoCreator:
    """A creator with posts, costs and code; `code_only_orders` use the code without a click."""

    slug: str
    name: str
    kind: str
    platform: str
    handle: str
    followers: int
    country: str
    posts: tuple[DemoPost, ...]
    costs: tuple[DemoCost, ...]
    code: str | None = None
    discount_percent: int = 0
    code_use_percent: int = 0
    code_only_orders: int = 0
    topics: tuple[str, ...] = ("coffee",)


@dataclass(frozen=True, slots=True)
class DemoCampaign:
    """One campaign of the brand; `budget` is a decimal amount in `CURRENCY`."""

    slug: str
    name: str
    objective: str
    budget: str


CAMPAIGNS: Final = (
    DemoCampaign("harvest", "New harvest launch", "sales", "12000.00"),
    DemoCampaign("club", "Coffee club", "retention", "3000.00"),
)


@dataclass(frozen=True, slots=True)
class DemoGoal:
    """One goal of the month, of a campaign or (None) of the program."""

    slug: str
    name: str
    metric: str
    target: str
    campaign: str | None = None
    direction: str = "at_least"


GOALS: Final = (
    DemoGoal("sales", "Sales of the month", NET_REVENUE.id, "14000.00"),
    DemoGoal("return", "Every euro comes back", ROI.id, "0.25"),
    DemoGoal("launch", "Launch within budget", COST.id, "12000.00", "harvest", "at_most"),
)

# What one unit of attention is deemed worth, by its name in value rates. Views overlap with
# impressions, so they have no rate.
VALUE_RATES: Final = {
    "impression": "0.002",
    "like": "0.02",
    "comment": "0.2",
    "share": "0.3",
    "save": "0.15",
}

CREATORS: Final = (
    DemoCreator(
        slug="aria",
        name="Aria Stone",
        kind="mega",
        platform="tiktok",
        handle="@ariastone",
        followers=2_140_000,
        country="GB",
        topics=("lifestyle", "travel"),
        posts=(
            DemoPost(
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
            DemoPost(
                "aria-2", "tiktok", "product_collaboration", "story", "harvest", 12, 20, 1300, 3
            ),
        ),
        costs=(
            DemoCost("fee", "5200.00", 1, "two posts"),
            DemoCost("agent", "780.00", 1, "15 % to her agency"),
            DemoCost("product", "64.00", 2, "tasting box"),
        ),
    ),
    DemoCreator(
        slug="mia",
        name="Mia Lindqvist",
        kind="micro",
        platform="instagram",
        handle="@mia.brews",
        followers=8_400,
        country="SE",
        topics=("coffee", "home barista"),
        posts=(
            DemoPost("mia-1", "instagram", "tutorial", "reel", "harvest", 8, 18, 420, 66),
            DemoPost("mia-2", "instagram", "review", "carousel", "harvest", 17, 8, 260, 58),
        ),
        costs=(
            DemoCost("fee", "300.00", 3, "two posts"),
            DemoCost("product", "38.00", 4, "beans and filters"),
            DemoCost("shipping", "9.90", 4, "parcel to Malmö"),
        ),
    ),
    DemoCreator(
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
        code_only_orders=68,
        topics=("coffee", "business"),
        posts=(
            DemoPost(
                "jonas-1", "podcast", "host_read_ad", "audio", "harvest", 9, 6, 90, 40, tail=True
            ),
        ),
        costs=(DemoCost("fee", "1100.00", 2, "three host-read spots"),),
    ),
    DemoCreator(
        slug="vanlife",
        name="Lena & Tom",
        kind="mid-size",
        platform="youtube",
        handle="@lenaandtomonwheels",
        followers=184_000,
        country="AT",
        topics=("van life", "coffee"),
        posts=(
            DemoPost(
                "vanlife-1", "youtube", "vlog", "long_video", "harvest", 4, 16, 880, 47, tail=True
            ),
        ),
        costs=(
            DemoCost("fee", "950.00", 1, "one film"),
            DemoCost("travel", "210.00", 2, "to the roastery"),
            DemoCost("lodging", "148.00", 2, "two nights"),
        ),
    ),
    DemoCreator(
        slug="priya",
        name="Priya Nair",
        kind="gifted",
        platform="instagram",
        handle="@priyapours",
        followers=5_900,
        country="NL",
        topics=("coffee", "ceramics"),
        posts=(DemoPost("priya-1", "instagram", "unboxing", "reel", "harvest", 11, 17, 310, 52),),
        costs=(
            DemoCost("product", "86.00", 5, "gift box, at cost", retail_value="219.00"),
            DemoCost("shipping", "12.50", 5, "parcel to Utrecht"),
        ),
    ),
    DemoCreator(
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
        code_only_orders=9,
        posts=(
            DemoPost("nomad-1", "blog", "review", "article", "club", 2, 9, 640, 31, tail=True),
            DemoPost("nomad-2", "newsletter", "review", "article", "club", 20, 7, 180, 36),
        ),
        costs=(DemoCost("commission", "186.00", 28, "10 % of last month's sales"),),
    ),
    DemoCreator(
        slug="sam",
        name="Sam Okafor",
        kind="boosted",
        platform="tiktok",
        handle="@samsips",
        followers=97_000,
        country="IE",
        posts=(
            DemoPost(
                "sam-1", "tiktok", "creator_led_ad", "short_video", "harvest", 14, 20, 1450, 14
            ),
            DemoPost("sam-2", "tiktok", "tutorial", "short_video", "club", 22, 19, 240, 24),
        ),
        costs=(
            DemoCost("fee", "600.00", 10, "usage rights for 30 days"),
            DemoCost("paid_boost", "520.00", 14, "boost of his tutorial"),
        ),
    ),
)

BRAND_POSTS: Final = (
    DemoPost("own-1", "instagram", "product", "reel", "harvest", 3, 11, 620, 15),
    DemoPost("own-2", "newsletter", "launch", "article", "club", 16, 10, 380, 34),
)
BRAND_COSTS: Final = (
    DemoCost("production", "420.00", 2, "photo shoot"),
    DemoCost("staff_hours", "360.00", 3, "twelve hours"),
)


@dataclass(frozen=True, slots=True)
class DemoPlan:
    """A post that is planned for a day and not published."""

    slug: str
    creator: str
    platform: str
    content_type: str
    campaign: str
    day: int


@dataclass(frozen=True, slots=True)
class DemoSharedCode:
    """A code of several creators, and the orders of people who typed it and clicked nothing."""

    code: str
    creators: tuple[str, ...]
    orders: int


@dataclass(frozen=True, slots=True)
class DemoStore:
    """A second shop, and the orders of its people, who saw nothing of the creators."""

    slug: str
    name: str
    orders: int


PLANS: Final = (
    DemoPlan("mia-3", "mia", "instagram", "tutorial", "club", 26),
    DemoPlan("sam-3", "sam", "tiktok", "tutorial", "harvest", 28),
)
SHARED_CODE: Final = DemoSharedCode("WANDER", ("vanlife", "nomad"), 14)
OUTLET: Final = DemoStore("outlet", "Roastery outlet", 16)
# Orders without other evidence whose buyers were asked who led them here.
SURVEYED: Final = {"Lena & Tom": 6, "Jonas Weber": 3, "a friend": 2}
CAMPAIGN_COSTS: Final = {"harvest": DemoCost("agent", "640.00", 1, "agency, planning")}
OVERHEAD_COSTS: Final = (DemoCost("tools", "79.00", 0, "software for influencer work"),)

# Price of a product in cents, and the weight with which it is drawn into a basket.
PRODUCT_PRICES: Final = ((1290, 34), (1590, 26), (3690, 14), (2490, 12), (8900, 4), (2190, 10))
# The least and the most.
ORGANIC_ORDERS_A_DAY: Final = (4, 9)
