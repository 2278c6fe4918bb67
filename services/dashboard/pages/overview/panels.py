"""The panels of the overview: tabs, chart, stages, creators, goals, attention. Pure.

Promise: a panel takes the body of its answer and the frame, and formats nothing twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from services.dashboard.charts import points as charts
from services.dashboard.charts.line_chart import LineChart, line_chart
from services.dashboard.charts.points import NO_FIGURE, Series
from services.dashboard.layout.frame import Frame
from services.dashboard.layout.parts import Tab
from services.dashboard.tables.answers import Shown, answer_table, change_of
from services.dashboard.tables.series import Point, points_of, series_table
from services.dashboard.tables.table import Cell, Column, Row, Table
from services.dashboard.tables.texts import (
    figure_cell,
    interval_text,
    percent_text,
    ratio_text,
    tick_text,
)

# The tabs, in their order. The first is shown where the address names none.
HEADLINE: Final = ("net_revenue", "profit", "roi", "bcr", "cost", "conversions", "clicks")
ADDITIVE: Final = frozenset({"net_revenue", "profit", "cost", "conversions", "clicks"})
# A higher figure is neither good nor bad.
NEUTRAL: Final = frozenset({"cost"})
LAYER_HELP: Final = {
    "booked": "Return that orders brought: net revenue × margin.",
    "modelled": "Return that open leads will bring, as earlier leads did.",
    "assumed": "What volumes are worth by the value rates that the brand set.",
}
LAYERS: Final = tuple(LAYER_HELP)
CREATORS_SHOWN: Final = 10
Json = Mapping[str, Any]


def headline_tabs(frame: Frame, chosen: str, answer: Json) -> Sequence[Tab]:
    """Return a tab for each headline figure of the program."""
    return [
        _tab(frame, metric, answer["program"], is_current=metric == chosen) for metric in HEADLINE
    ]


def _tab(frame: Frame, metric: str, program: Json, *, is_current: bool) -> Tab:
    then = program.get("compared")
    change = None
    if then is not None:
        change = change_of(
            metric, program.get(metric), then.get(metric), is_additive=metric in ADDITIVE
        )
    direction = 0 if change is None else change.direction
    return Tab(
        label=frame.metrics.name(metric),
        cell=figure_cell(metric, program.get(metric), why=frame.why(metric, part="program")),
        href=frame.view.link(metric=metric),
        is_current=is_current,
        change=None if change is None else change.text,
        change_kind="up" if direction > 0 else "down" if direction < 0 else "flat",
        is_good=None if not direction or metric in NEUTRAL else direction > 0,
        note=_range(metric, program),
    )


def _range(metric: str, program: Json) -> str | None:
    found = interval_text(metric, (program.get("intervals") or {}).get(metric))
    return None if found is None else f"90 %: {found}"


@dataclass(frozen=True, slots=True)
class Drawn:
    """A chart and the table of its numbers. `is_empty`: nothing happened in the period."""

    svg: str
    table: Table
    is_empty: bool


def trend_of(frame: Frame, metric: str, grain: str, answer: Json) -> Drawn:
    """Return the chart of a headline figure of the program over the period."""
    points = points_of(metric, grain, answer, part="program", is_additive=metric in ADDITIVE)
    label = frame.metrics.name(metric)
    caption = f"{label} by {grain}"
    table = series_table(
        "trend",
        caption,
        metric,
        label,
        grain,
        points,
        answer["program"].get(metric),
        lambda bucket: frame.why(metric, part="program", **{grain: bucket}),
    )
    return Drawn(trend_chart(caption, metric, points, answer), table, not answer["rows"])


def trend_chart(caption: str, metric: str, points: Sequence[Point], answer: Json) -> str:
    """Return the drawing of a metric over time, with the compared period as a dashed line."""
    now = [charts.Point(one.label, one.value, one.text, one.short) for one in points]
    before = [
        charts.Point(one.label, one.before, one.before_text or NO_FIGURE, one.short)
        for one in points
    ]
    is_compared = answer["meta"].get("compared") is not None
    return line_chart(
        LineChart(
            "trend-chart",
            caption,
            [Series("This period" if is_compared else caption.partition(" by ")[0], now)],
            tick_text(metric, answer["program"].get(metric)),
            compared=Series("Before", before) if is_compared else None,
            is_whole=metric == "clicks",
        )
    )


# --- stages --------------------------------------------------------------------------------------


def stages_table(frame: Frame, answer: Json) -> Table:
    """Return the six stages of the program: volumes, rate, cost per unit, return by layer."""
    columns = (
        Column("stage", "Stage"),
        Column("volume", "Volume", "number"),
        Column("rate", "From the stage before", "number"),
        Column("cost_per_unit", "Cost per unit", "number"),
        *(Column(layer, layer.capitalize(), "number", LAYER_HELP[layer]) for layer in LAYERS),
        Column("return_per_cost", "Per cost", "number", "Return ÷ cost, over the known layers."),
    )
    rows = [_stage_row(frame, stage) for stage in answer["program"]["stages"]]
    return Table("stages", "The six stages of the journey", columns, rows)


def _stage_row(frame: Frame, stage: Json) -> Row:
    main = main_volume(stage)
    volume = stage["volumes"].get(main)
    unit_cost = _unit_cost(stage)
    rate = stage["rate_from_previous"]
    per_cost = [stage["return_per_cost"][layer] for layer in LAYERS]
    known = [value for value in per_cost if value is not None]
    label = str(stage["stage"]).capitalize()
    return Row(
        (
            Cell(label, stage["stage"], note=frame.metrics.name(main)),
            figure_cell(main, volume, why=frame.why(main, part="program")),
            Cell(
                "–" if rate is None else percent_text(rate),
                None if rate is None else str(rate),
                note=_rate_note(frame, stage),
            ),
            figure_cell(
                unit_cost[0],
                unit_cost[1],
                why=frame.why(unit_cost[0], part="program"),
                note=frame.metrics.name(unit_cost[0]),
            )
            if unit_cost
            else Cell("–"),
            *(_layer_cell(frame, stage, layer) for layer in LAYERS),
            Cell(ratio_text(sum(known)) if known else "–", str(sum(known)) if known else None),
        )
    )


def main_volume(stage: Json) -> str:
    """Return the volume that stands for a stage: the one that rates are made of, if it has one."""
    preferred = {
        "awareness": ("impressions", "views"),
        "engagement": ("engagements",),
        "consideration": ("clicks",),
        "purchase": ("purchases",),
        "retention": ("retained_orders",),
        "advocacy": ("referrals", "advocacy_conversions"),
    }[stage["stage"]]
    volumes = stage["volumes"]
    return next((name for name in preferred if volumes.get(name) is not None), preferred[0])


# What one unit of the volume that stands for a stage costs.
_UNIT_COST: Final = {"awareness": "cpm", "engagement": "cpe", "consideration": "cpc"}


def _unit_cost(stage: Json) -> tuple[str, Any] | None:
    found = stage["cost_per_unit"]
    metric = _UNIT_COST.get(stage["stage"]) or next(iter(found), None)
    return None if metric is None else (metric, found.get(metric))


def _rate_note(frame: Frame, stage: Json) -> str | None:
    of = stage["rate_of"]
    if of is None:
        return None
    return f"of {frame.metrics.name(of['of']).lower()}"


_LAYER_METRICS: Final = {"booked": "contribution", "modelled": "modelled", "assumed": "assumed"}


def _layer_cell(frame: Frame, stage: Json, layer: str) -> Cell:
    metric = f"{_LAYER_METRICS[layer]}_at_{stage['stage']}"
    value = stage["return"][layer]
    known = metric in frame.metrics.by_id
    return figure_cell(metric, value, why=frame.why(metric, part="program") if known else None)


# --- creators ------------------------------------------------------------------------------------


def creators_table(frame: Frame, answer: Json) -> Table:
    """Return the creators that brought most, the others as one row, and the headline figures."""
    shown = Shown(
        HEADLINE,
        frame.metrics.name,
        link=lambda group: _creator_page(frame, group["creator"]),
        why=lambda metric, group: frame.why(metric, **group),
        interval_of="roi",
        bar_of="net_revenue",
        additive=ADDITIVE,
        rows_max=CREATORS_SHOWN,
    )
    return answer_table("creators", "Creators by net revenue", "Creator", answer, shown)


def _creator_page(frame: Frame, creator: str | None) -> str | None:
    return None if creator is None else frame.view.carried(f"/app/creators/{creator}")


# --- attention -----------------------------------------------------------------------------------


def attention_of(answer: Json) -> Sequence[Json]:
    """Return what needs attention: kind, sentence, count, what to do."""
    return list(answer["items"])
