"""The panels of the page of creators: the ranking, its drawing, and the split by a dimension. Pure.

Promise: a row of the split is a link that filters the page.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from services.dashboard.charts.bar_chart import Bar, BarChart, Part, bar_chart
from services.dashboard.layout.creator_table import creators_shown
from services.dashboard.layout.filters import filter_link
from services.dashboard.layout.frame import Frame
from services.dashboard.layout.trend import HEADLINE
from services.dashboard.tables.answers import Shown, answer_table
from services.dashboard.tables.series import number_of
from services.dashboard.tables.table import Cell, Column, Table
from services.dashboard.tables.texts import MISSING, figure_text, number_text

ORDER: Final = "order"
BY_LOWER_BOUND: Final = "lower_bound"
SPLIT: Final = "split"
SPLITS: Final = {
    "platform": "Platform",
    "tier": "Follower tier",
    "country": "Country",
    "topic": "Topic",
}
DRAWN_MAX: Final = 10
FACTS: Final = (
    Column("followers", "Followers", "number", "Of the account that most people follow."),
    Column("country", "Country"),
)
Json = Mapping[str, Any]
Choice = tuple[str, str, bool]  # text, address, is chosen


def creators_table(frame: Frame, answer: Json, people: Sequence[Json]) -> Table:
    """Return all creators; `people` are those of the catalog."""
    by_id = {one["id"]: one for one in people}
    is_by_bound = order_of(frame) is not None
    shown = creators_shown(
        frame,
        interval_of="net_revenue" if is_by_bound else "roi",
        facts=FACTS,
        facts_of=lambda group: _facts(by_id.get(group["creator"])),
    )
    seen = {row["group"]["creator"] for row in answer["rows"]}
    rest = [
        (one["name"], {"creator": one["id"]})
        for one in sorted(people, key=lambda one: one["name"].casefold())
        if one["id"] not in seen
    ]
    # A filter leaves out what has no figure.
    kept = () if frame.view.filters else rest
    caption = "Creators by the lower end of net revenue" if is_by_bound else "Creators"
    return answer_table("creators", caption, "Creator", answer, shown, kept)


def _facts(creator: Json | None) -> Sequence[Cell]:
    if creator is None:
        return [Cell(MISSING) for _ in FACTS]
    country = creator["country"]
    return (_followers(creator["platform_accounts"]), Cell(country or MISSING, country))


def _followers(accounts: Sequence[Json]) -> Cell:
    known = [one for one in accounts if one["followers"] is not None]
    if not known:
        return Cell(MISSING, note=accounts[0]["platform"] if accounts else None)
    most = max(known, key=lambda one: one["followers"])
    return Cell(number_text(most["followers"]), most["followers"], note=most["platform"])


def accounts_text(accounts: Sequence[Json]) -> str:
    """Return accounts such as `instagram @mia (48,000)`."""
    return ", ".join(
        f"{one['platform']} {one['handle']}"
        + ("" if one["followers"] is None else f" ({number_text(one['followers'])})")
        for one in accounts
    )


def creators_chart(answer: Json) -> str:
    """Return the net revenue of the first creators of the answer as bars, or nothing."""
    rows = [row for row in answer["rows"] if row["group"]["creator"] is not None][:DRAWN_MAX]
    bars = []
    for row in rows:
        value = row["measures"].get("net_revenue")
        text = figure_text("net_revenue", value)
        bars.append(Bar(row["label"], (Part("Net revenue", number_of(value), text),), text))
    if not bars:
        return ""
    return bar_chart(BarChart("creators-chart", f"Net revenue of the first {len(bars)}", bars))


def order_of(frame: Frame) -> str | None:
    """Return the order of the ranking that the API is asked for."""
    return BY_LOWER_BOUND if frame.view.get(ORDER) == BY_LOWER_BOUND else None


def orders(frame: Frame) -> Sequence[Choice]:
    """Return the two orders of the ranking as links."""
    order = order_of(frame)
    return (
        ("By net revenue", frame.view.link(order=None), order is None),
        (
            "By what is sure: the lower end of the interval",
            frame.view.link(order=BY_LOWER_BOUND),
            order == BY_LOWER_BOUND,
        ),
    )


def split_of(frame: Frame) -> str:
    """Return the dimension of the split that the address names, else the first."""
    chosen = frame.view.get(SPLIT)
    return chosen if chosen in SPLITS else next(iter(SPLITS))


def splits(frame: Frame) -> Sequence[Choice]:
    """Return the dimensions of the split as links."""
    chosen = split_of(frame)
    return [(text, frame.view.link(split=name), name == chosen) for name, text in SPLITS.items()]


def split_table(frame: Frame, split: str, answer: Json) -> Table:
    """Return the figures by a dimension; each row filters the page."""
    shown = Shown(
        HEADLINE,
        frame.metrics.name,
        link=lambda group: _filter(frame, split, group[split]),
        why=lambda metric, group: frame.why(metric, **group),
        interval_of="roi",
        bar_of="net_revenue",
    )
    label = SPLITS[split]
    return answer_table("split", f"Figures by {label.lower()}", label, answer, shown)


def _filter(frame: Frame, split: str, value: str | None) -> str | None:
    return None if value is None else filter_link(frame.view, split, value)
