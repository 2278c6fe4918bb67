"""The six stages of the journey: a table and a drawing, of the program, a creator or a campaign.

Promise: drawing and table are of one answer of `GET /v1/funnel`. A volume that nobody reported is
a dash and hatched, never 0. Pure.
"""

from collections.abc import Mapping
from typing import Any, Final

from services.dashboard.charts.funnel_chart import FunnelChart, FunnelStage, funnel_chart
from services.dashboard.layout.frame import Frame
from services.dashboard.layout.trend import PROGRAM
from services.dashboard.tables.series import number_of
from services.dashboard.tables.table import Cell, Column, Row, Table
from services.dashboard.tables.texts import (
    figure_cell,
    figure_text,
    percent_text,
    ratio_text,
)

CAPTION: Final = "The six stages of the journey"
LAYER_HELP: Final = {
    "booked": "Return that orders brought: net revenue × margin.",
    "modelled": "Return that open leads will bring, as earlier leads did.",
    "assumed": "What volumes are worth by the value rates that the brand set.",
}
LAYERS: Final = tuple(LAYER_HELP)
Json = Mapping[str, Any]


def stages_table(frame: Frame, whole: Json, group: Mapping[str, str] = PROGRAM) -> Table:
    """Return the stages of a row or headline: volumes, rate, cost per unit, return by layer."""
    columns = (
        Column("stage", "Stage"),
        Column("volume", "Volume", "number"),
        Column("rate", "From the stage before", "number"),
        Column("cost_per_unit", "Cost per unit", "number"),
        *(Column(layer, layer.capitalize(), "number", LAYER_HELP[layer]) for layer in LAYERS),
        Column("return_per_cost", "Per cost", "number", "Return ÷ cost, over the known layers."),
    )
    rows = [_stage_row(frame, stage, group) for stage in whole["stages"]]
    return Table("stages", CAPTION, columns, rows)


def stages_chart(frame: Frame, whole: Json) -> str:
    """Return the drawing of the volumes with the rate from stage to stage."""
    return funnel_chart(
        FunnelChart("stages-chart", CAPTION, [_drawn(frame, stage) for stage in whole["stages"]])
    )


def _drawn(frame: Frame, stage: Json) -> FunnelStage:
    main = main_volume(stage)
    value = stage["volumes"].get(main)
    rate, note = stage["rate_from_previous"], _rate_note(frame, stage)
    return FunnelStage(
        str(stage["stage"]).capitalize(),
        number_of(value),
        f"{figure_text(main, value)} {frame.metrics.name(main).lower()}",
        None if rate is None else f"{percent_text(rate)} {note or ''}".rstrip(),
    )


def _stage_row(frame: Frame, stage: Json, group: Mapping[str, str]) -> Row:
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
            figure_cell(main, volume, why=frame.why(main, **group)),
            Cell(
                "–" if rate is None else percent_text(rate),
                None if rate is None else str(rate),
                note=_rate_note(frame, stage),
            ),
            figure_cell(
                unit_cost[0],
                unit_cost[1],
                why=frame.why(unit_cost[0], **group),
                note=frame.metrics.name(unit_cost[0]),
            )
            if unit_cost
            else Cell("–"),
            *(_layer_cell(frame, stage, layer, group) for layer in LAYERS),
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


def _layer_cell(frame: Frame, stage: Json, layer: str, group: Mapping[str, str]) -> Cell:
    metric = f"{_LAYER_METRICS[layer]}_at_{stage['stage']}"
    value = stage["return"][layer]
    known = metric in frame.metrics.by_id
    return figure_cell(metric, value, why=frame.why(metric, **group) if known else None)
