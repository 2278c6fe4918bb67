"""How answers by creator become a table, as Overview and the page of creators show them. Pure."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from services.dashboard.layout.frame import Frame
from services.dashboard.layout.trend import ADDITIVE, HEADLINE
from services.dashboard.tables.answers import Shown
from services.dashboard.tables.table import Cell, Column

CREATORS: Final = "/app/creators"
Json = Mapping[str, Any]


def creators_shown(
    frame: Frame,
    *,
    interval_of: str = "roi",
    rows_max: int | None = None,
    facts: Sequence[Column] = (),
    facts_of: Callable[[Json], Sequence[Cell]] = lambda _: (),
) -> Shown:
    """Return how the headline figures of creators are shown; a name leads to its page."""
    return Shown(
        HEADLINE,
        frame.metrics.name,
        link=lambda group: creator_page(frame, group["creator"]),
        why=lambda metric, group: frame.why(metric, **group),
        interval_of=interval_of,
        bar_of="net_revenue",
        additive=ADDITIVE,
        rows_max=rows_max,
        facts=facts,
        facts_of=facts_of,
    )


def creator_page(frame: Frame, creator: str | None) -> str | None:
    """Return the address of the page of a creator."""
    return None if creator is None else frame.view.carried(f"{CREATORS}/{creator}")
