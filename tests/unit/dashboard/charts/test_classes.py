"""The stylesheet gives each class its look, so the package lists every class that a drawing has."""

import re

from services.dashboard import charts
from services.dashboard.charts.line_chart import LineChart, line_chart
from services.dashboard.charts.pacing import Forecast, Mark
from services.dashboard.charts.points import Point, Series
from services.dashboard.charts.timeline import Lane, MarkKind
from tests.unit.dashboard.charts.reading import read
from tests.unit.dashboard.charts.test_bar_charts import funnel, single, stack
from tests.unit.dashboard.charts.test_other_charts import goal, journey, mark, small


def test_every_class_is_listed() -> None:
    points = [Point(f"{at} May 2026", at or None, "x", low=0, high=2) for at in range(50)]
    series = [Series(name, points) for name in ("a", "b", "c")]
    kinds: tuple[MarkKind, ...] = ("kept", "rejected", "conversion", "adjustment")
    drawn = [
        line_chart(LineChart("a", "A", series, str, Series("d", points))),
        line_chart(LineChart("b", "B", [Series("b", [])], str)),
        single(1, None, -1),
        stack((3, 2, 1)),
        funnel(5, None, 3, 2, 1, 0),
        small(1, None, 2),
        goal(Mark(1, "1"), Forecast(1, "1", 0, 2)),
        journey(Lane("a", [mark(1, "Click", kind) for kind in kinds])),
    ]
    used = {
        name for svg in drawn for one in read(svg).iter() for name in one.get("class", "").split()
    }
    listed = set(re.findall(r"`([\w-]+)`", charts.__doc__ or ""))
    # `series-1` to `series-6` are listed by their ends.
    assert used - {f"series-{at}" for at in range(1, 7)} <= listed
