"""`/app/settings/rates`: value rates and exchange rates, and the forms that add one.

Promise: one call lists both kinds. The forms are offered to keys that may write.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi import Request, Response

from services.dashboard.client.api import Failed, made
from services.dashboard.layout.forms import Form
from services.dashboard.layout.frame import Frame
from services.dashboard.layout.page_route import PageRouter
from services.dashboard.layout.settings_parts import RATES, sections
from services.dashboard.pages.rates.rate_form import (
    FIELDS,
    UNIT_CHOICES,
    body_of_form,
    other_names,
)
from services.dashboard.tables.table import Cell, Column, Row, Table
from services.dashboard.tables.texts import day_text

router = PageRouter()
OWN: Final = ("done",)
DONE: Final = {"added": "The rate is added.", "archived": "The rate is archived."}
Json = Mapping[str, Any]


@router.get(RATES)
@router.get(f"{RATES}.csv")
async def rates(request: Request) -> Response:
    """Show the rates and the forms."""
    return await _page(await Frame.of(request, OWN), Form(), None)


@router.post(RATES)
async def add_rate(request: Request) -> Response:
    """Add a rate of the kind of the form."""
    frame = await Frame.of(request, OWN)
    fields = await frame.form()
    kind = "exchange" if fields.get("kind") == "exchange" else "value"
    body = body_of_form(kind, fields)
    answer = await frame.api.send("POST", "roi", "/v1/rates", json=body)
    if isinstance(answer, Failed):
        form = Form.refused(fields, answer, FIELDS[kind], other_names(kind))
        return await _page(frame, form, kind, 422)
    return frame.leave(frame.view.carried(RATES, done="added"))


async def _page(frame: Frame, form: Form, kind: str | None, status: int = 200) -> Response:
    found = await frame.api.items("roi", "/v1/rates")
    done = DONE.get(frame.view.get("done") or "")
    return frame.page(
        "rates/rates.html",
        status=status,
        sections=sections(frame, RATES),
        tables={
            "value": made(found, lambda items: value_table(frame, items)),
            "exchange": made(found, lambda items: exchange_table(frame, items)),
        },
        form=form,
        kind=kind,
        units=UNIT_CHOICES,
        today=frame.today.isoformat(),
        toast=None if done is None else (done, None),
        period=None,
    )


def value_table(frame: Frame, items: Sequence[Json]) -> Table:
    """Return the value rates."""
    columns = (
        Column("per", "One"),
        Column("platform", "Platform"),
        Column("amount", "Is worth", "number"),
        Column("currency", "Currency"),
        Column("valid_from", "From", "date"),
    )
    rows = [
        Row(
            (
                Cell(one["per"], one["per"], href=_page_of(frame, one)),
                Cell(one["platform"] or "all others", one["platform"]),
                Cell(one["amount"], one["amount"]),
                Cell(one["currency"], one["currency"]),
                Cell(day_text(one["valid_from"]), one["valid_from"]),
            )
        )
        for one in items
        if one["kind"] == "value"
    ]
    return Table("value-rates", "What a unit is worth", columns, rows)


def exchange_table(frame: Frame, items: Sequence[Json]) -> Table:
    """Return the exchange rates."""
    columns = (
        Column("currency", "One unit of"),
        Column("amount", "Is worth", "number"),
        Column("into", "Of"),
        Column("valid_from", "From", "date"),
    )
    rows = [
        Row(
            (
                Cell(one["currency"], one["currency"], href=_page_of(frame, one)),
                Cell(one["amount"], one["amount"]),
                Cell(one["into"], one["into"]),
                Cell(day_text(one["valid_from"]), one["valid_from"]),
            )
        )
        for one in items
        if one["kind"] == "exchange"
    ]
    return Table("exchange-rates", "Exchange rates", columns, rows)


def _page_of(frame: Frame, rate: Json) -> str:
    return frame.view.carried(f"{RATES}/{rate['id']}")
