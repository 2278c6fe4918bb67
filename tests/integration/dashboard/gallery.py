"""A page that shows each part of the look once, with made-up figures, and a server for it.

Promise: the server sends the policy of the dashboard, and the static files from their folder.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Final

from typing_extensions import override

from services.dashboard.charts.line_chart import LineChart, line_chart
from services.dashboard.charts.points import Point, Series
from services.dashboard.layout.parts import PeriodBar, PresetLink, Step, Tab
from services.dashboard.layout.templates import environment
from services.dashboard.tables.table import Cell, Column, Row, Table

STATIC: Final = Path(__file__).resolve().parents[3] / "services/dashboard/static"
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; form-action 'self'"
)
KINDS: Final = {".css": "text/css", ".js": "text/javascript"}

GALLERY: Final = """{% extends "layout/base.html" %}
{% import "layout/parts.html" as parts with context %}
{% block title %}Gallery{% endblock %}
{% block heading %}{{ parts.breadcrumbs([("Creators", "/app/creators"), ("Mia", none)]) }}
{{ super() }}{% endblock %}
{% block main %}
{{ parts.filter_chips([("Platform: YouTube", "/app/?a=1"), ("Not Tom", "/app/?b=1")]) }}
{{ parts.headline_tabs(tabs) }}
{{ parts.warning_list(["No margin is set: profit is on revenue.", "Two orders wait."]) }}
<live-refresh id="arrivals" seconds="2" url="/app/">
<p>Clicks so far: {{ clicks }}</p></live-refresh>
<div class="panels">
{% call parts.panel("Creators", "creators", csv="/app/creators.csv", note="30 days") %}
{{ parts.data_table(creators) }}{{ parts.pager("/app/?cursor=2") }}
{% endcall %}
{% call parts.panel("Net revenue", "trend") %}{{ parts.chart_with_table(svg, days) }}{% endcall %}
{% call parts.panel("Broken", "broken") %}
{{ parts.failed("roi does not answer. Is it running?", "/app/") }}{% endcall %}
{% call parts.panel("Nothing yet", "nothing") %}
{{ parts.empty("No creator yet", "Add the first one.", "/app/creators/new", "Add a creator") }}
{{ parts.filtered("No order in this period is of TikTok.", "/app/orders") }}{% endcall %}
{% call parts.panel("Facts", "facts") %}
{{ parts.definition_list([("Currency", "EUR"), ("ROI", tabs[1].cell)]) }}
<p>{{ parts.badge("on track", "good") }} {{ parts.badge("late", "bad") }} {{ parts.badge("draft") }}
{{ parts.badge("few orders", "warn") }}</p>{% endcall %}
{% call parts.panel("A cost", "cost") %}
{% call parts.form("/app/costs", "token", submit="Book", back="/app/costs") %}
{{ parts.field("amount", "Amount", "money", "12.50", help="In euros.", required=true) }}
{{ parts.field("day", "Day", "date", "2026-12-31", error="This day is not over.") }}
{{ parts.field("creator", "Creator", "select", "mia", options=[("mia", "Mia"), ("tom", "Tom")]) }}
{{ parts.field("tag", "Tag", options=[("x", "X")]) }}
{{ parts.field("note", "Note", "textarea", "<b>not bold</b>") }}
{{ parts.field("gift", "A gift", "checkbox", true) }}
{{ parts.field("spread", "Spread", "radio", "even", help="How it is spread.",
   options=[("even", "Evenly", "Each day the same."), ("now", "At once")]) }}
{{ parts.field("rows", "File", "file") }}
{% endcall %}{% endcall %}
{{ parts.checklist(steps) }}
</div>
{% endblock %}
"""


def money(text: str) -> Cell:
    """Return the cell of an amount in euros."""
    why = "/app/why?metric=net_revenue"
    return Cell(f"€{text}", Decimal(text.replace(",", "")), why=why)


def creators() -> Table:
    """Return a table with each kind of row and cell; it is wider than a phone."""
    columns = [Column("creator", "Creator"), Column("since", "Since", "date")]
    columns += [Column(f"n{n}", f"Net revenue {n}", "number", "After refunds") for n in range(6)]
    missing = Cell("–", note="too few to rank")
    listed = (("Zoë", "1,200.50", 1.0), ("Ben", "90.00", 0.07), ("Mia", "-15.00", None))
    rows = [
        Row(
            [
                Cell(name, name, href=f"/app/creators/{name}", bar=bar),
                Cell("12 Nov 2026", "2026-11-12"),
                *[money(amount)] * 6,
            ]
        )
        for name, amount, bar in listed
    ]
    rows.insert(1, Row([Cell("=Tom", "=Tom"), Cell("1 Dec 2026", "2026-12-01"), *[missing] * 6]))
    other = [Cell("not allocated", None), Cell("–"), *[money("5,000.00")] * 6]
    total = [Cell("Total"), Cell("–"), *[money("6,275.50")] * 6]
    return Table("creators-table", "Creators", columns, [*rows, Row(other, "unallocated")],
                 [Row(total, "total")])  # fmt: skip


def days() -> Table:
    """Return the figures of the chart as a table."""
    columns = [Column("day", "Day", "date"), Column("net", "Net revenue", "number")]
    rows = [Row([Cell(f"{n} Nov", f"2026-11-0{n}"), money(f"{n}0.00")]) for n in (1, 2, 3)]
    return Table("trend-table", "Net revenue by day", columns, rows)


def svg() -> str:
    """Return a line chart of this period and the one before."""
    first, before = (
        Series(
            name,
            [Point(f"{n} Nov", n * 10 + number, f"€{n}{number}", low=n * 8, high=n * 13)
             for n in (1, 2, 3)],
        )
        for number, name in ((1, "This period"), (2, "Before"))
    )  # fmt: skip
    return line_chart(
        LineChart("trend-chart", "Net revenue", [first], lambda n: f"€{n}", compared=before)
    )


def gallery(clicks: int) -> str:
    """Return the page."""
    tabs = [
        Tab("Net revenue", money("1,275.50"), "/app/?tab=net", True, "12.3 %", "up", True, "±5"),
        Tab("ROI", Cell("31.0 %", Decimal("0.31"), why="/app/why?metric=roi"), "/app/?tab=roi",
            change="2.0 %", change_kind="down", is_good=False),
        Tab("Cost", Cell("–"), "/app/?tab=cost"),
    ]  # fmt: skip
    period = PeriodBar(
        "/app/",
        "2026-11-01",
        "2026-11-30",
        [PresetLink("m", "This month", "/app/?from=m", is_current=True),
         PresetLink("a", "All time", "/app/?from=all")],
        [("EUR", "EUR")], None, [("last", "Last touch"), ("linear", "Linear")], "last",
        [("previous", "The period before")], None, [("filter.platform", "youtube")],
    )  # fmt: skip
    names = ("Overview", "Creators", "Campaigns", "Content", "Orders", "Costs", "Links and codes")
    return (
        environment()
        .from_string(GALLERY)
        .render(
            workspace="A brand with a long name",
            menu=[(name, f"/app/{name.lower()}", name == "Overview") for name in names],
            period=period,
            notices=["This page does not know “colour”, so it was left out."],
            toast=("The cost was booked.", "/app/undo"),
            csrf="token",
            sign_out="/app/sign-out",
            fresh_to="1 Dec 2026, 00:55",
            versions=["roi v1", "net_revenue v2"],
            tabs=tabs,
            clicks=clicks,
            creators=creators(),
            days=days(),
            svg=svg(),
            steps=[
                Step("Say what your brand is", "Currency, zone, margin.", "/app/settings", True),
                Step("Connect a shop", "Or look at the demo brand.", "/app/connect"),
                Step("Set a goal", "For example 100 orders.", "/app/goals"),
            ],
        )
    )


@contextmanager
def open_gallery(asked: Callable[[str], int]) -> Iterator[str]:
    """Serve the gallery and yield its address; `asked` gets each path and returns the clicks."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            clicks = asked(self.path)
            if not self.path.startswith("/app/static/"):
                return self._answer("text/html; charset=utf-8", gallery(clicks).encode())
            file = STATIC / self.path.rpartition("/")[2]
            return self._answer(KINDS[file.suffix], file.read_bytes())

        def _answer(self, kind: str, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Content-Security-Policy", POLICY)
            self.end_headers()
            # The page was closed while it asked.
            with suppress(BrokenPipeError):
                self.wfile.write(body)

        @override
        def log_message(self, format: str, *args: object) -> None:
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://localhost:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
