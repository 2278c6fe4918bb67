"""The entries behind a figure as a file: all pages of `GET /v1/entries`, with the figure as totals.

Promise: the values of the entries add up to the totals, which are the figure of the answer.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from services.roi.answers.entry_listing import Listed, Opened
from services.roi.answers.entry_question import Before
from services.roi.answers.entry_shapes import (
    CostEntryAnswer,
    CreditEntryAnswer,
    TouchEntryAnswer,
    meta_of_entries,
)
from services.roi.answers.kinds import Fact
from shared.api.csv_text import Cell, Money
from shared.api.exports import KnownTotals, RawFile, Row
from shared.api.shapes import AnswerModel

ENTRIES: Final = "entries"
_SHAPES: Final[Mapping[Fact, type[AnswerModel]]] = {
    Fact.CREDITS: CreditEntryAnswer,
    Fact.TOUCHES: TouchEntryAnswer,
    Fact.COSTS: CostEntryAnswer,
}

PageReader = Callable[[Before | None], Awaitable[Listed]]


def entries_file(figure: Opened, read: PageReader) -> RawFile:
    """Return the file of a figure; `read` gives the page before an entry."""
    facts = figure.given.read.plan.facts
    shape = _SHAPES[facts[0].shape.fact if facts else Fact.COSTS]
    columns = [field.alias or name for name, field in shape.model_fields.items()]
    columns.insert(columns.index("value"), "currency")
    return RawFile(
        ENTRIES,
        tuple(columns),
        meta_of_entries(figure),
        _pages(read),
        KnownTotals([_row({"value": each}) for each in _each(figure.total)]),
    )


def _each(total: Any) -> list[Any]:
    """Return the parts of a sum: one for each currency, or the sum itself."""
    return total if isinstance(total, list) and total else [total]


async def _pages(read: PageReader) -> AsyncIterator[Sequence[Row]]:
    before: Before | None = None
    while True:
        page = await read(before)
        yield [_row(item) for item in page.items]
        if page.last is None:
            return
        before = page.last


def _row(item: Mapping[str, Any]) -> Row:
    """Return the cells of an entry; amounts become money, and its currency a cell of its own."""
    cells: dict[str, Cell] = {name: _cell(value) for name, value in item.items()}
    value = cells["value"]
    cells["currency"] = value.currency if isinstance(value, Money) else None
    return cells


def _cell(value: Any) -> Cell:
    if not isinstance(value, dict):
        found: Cell = value
        return found
    minor = value["amount_minor"]
    return None if minor is None else Money(minor, value["currency"])
