"""The tables of links and codes: each of the catalog, with what it brought in the period. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from services.dashboard.client.api import Answer, Failed
from services.dashboard.client.catalog import Catalog
from services.dashboard.layout.frame import Frame
from services.dashboard.tables.answers import metric_columns
from services.dashboard.tables.table import Cell, Column, Row, Table
from services.dashboard.tables.texts import figure_cell, moment_text

FIGURES: Final = ("clicks", "orders_kept", "net_revenue")
CODE_FIGURES: Final = ("orders_kept", "net_revenue")
NO_CLICK: Final = "no click in this period"
Json = Mapping[str, Any]


def links_table(
    frame: Frame, found: Answer, figures: Answer, catalog: Catalog | Failed
) -> Table | Failed:
    """Return the links; newest first."""
    for one in (found, figures, catalog):
        if isinstance(one, Failed):
            return one
    assert not isinstance(found, Failed)
    assert not isinstance(figures, Failed)
    assert not isinstance(catalog, Failed)
    columns = (
        Column("code", "Link"),
        Column("owner", "Belongs to"),
        Column("destination", "Leads to"),
        *metric_columns(FIGURES, frame.metrics.name),
    )
    measures = _by_group(figures.body, "link")
    rows = [_link_row(frame, link, measures.get(link["id"]), catalog) for link in found.body]
    return Table("links", "Links and what they brought", columns, rows)


def _link_row(frame: Frame, link: Json, measures: Json | None, catalog: Catalog) -> Row:
    note = None if link["enabled"] else "disabled"
    if measures is None or not measures.get("clicks"):
        note = note or NO_CLICK
    return Row(
        (
            Cell(
                link["code"],
                link["code"],
                href=frame.view.carried(f"/app/links/{link['id']}"),
                note=note,
            ),
            Cell(catalog.owner(link), catalog.owner(link)),
            Cell(link["destination"], link["destination"]),
            *_figures(frame, FIGURES, measures, {"link": link["id"]}),
        )
    )


def codes_table(
    frame: Frame, found: Answer, figures: Answer, catalog: Catalog | Failed
) -> Table | Failed:
    """Return the codes; newest first."""
    for one in (found, figures, catalog):
        if isinstance(one, Failed):
            return one
    assert not isinstance(found, Failed)
    assert not isinstance(figures, Failed)
    assert not isinstance(catalog, Failed)
    columns = (
        Column("code", "Code"),
        Column("owner", "Belongs to"),
        Column("valid_from", "From", "date"),
        Column("valid_to", "Until", "date"),
        *metric_columns(CODE_FIGURES, frame.metrics.name),
    )
    measures = _by_group(figures.body, "code")
    zone = frame.workspace.time_zone
    rows = [
        Row(
            (
                Cell(code["code"], code["code"]),
                Cell(catalog.owner(code), catalog.owner(code)),
                _moment(code["valid_from"], zone, "always"),
                _moment(code["valid_to"], zone, "no end"),
                *_figures(frame, CODE_FIGURES, measures.get(code["code"]), {"code": code["code"]}),
            )
        )
        for code in found.body
    ]
    return Table("codes", "Discount codes and what they brought", columns, rows)


def _moment(moment: str | None, zone: str, otherwise: str) -> Cell:
    return Cell(otherwise) if moment is None else Cell(moment_text(moment, zone), moment)


def _by_group(answer: Json, dimension: str) -> Mapping[str, Json]:
    return {row["group"][dimension]: row["measures"] for row in answer["rows"]}


def _figures(
    frame: Frame, metrics: Sequence[str], measures: Json | None, group: Mapping[str, str]
) -> Sequence[Cell]:
    """Return the figures of a row; nothing in the period is shown as a dash."""
    if measures is None:
        return [Cell("–") for _ in metrics]
    return [
        figure_cell(metric, measures.get(metric), why=frame.why(metric, **group))
        for metric in metrics
    ]
