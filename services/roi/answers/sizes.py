"""The greatest sizes of an answer, and the refusals that say what to ask instead. Pure.

Promise: a size is known before the work that it costs: statements return at most one row more than
the greatest size, costs are counted before they are spread, and rows before their figures are
computed. So the work of one answer is bounded, whatever a brand has planned, sold and spent.
What can go wrong: `AnswerTooLarge`, which the route answers with a 422 of `group_by` or `from`.
"""

from typing import Final

# Rows of an answer: some megabytes of JSON and some seconds of computing. More is an export.
ROWS_MAX: Final = 10_000
# Sums of all facts together: accounts × segments × models, each about 10 µs.
CELLS_MAX: Final = 100_000
# Rows that one statement reads of the catalog: costs of the span, placements, exchange rates.
CATALOG_ROWS_MAX: Final = 100_000
# Margins of a span: each row of a rollup is compared with each of them.
MARGINS_MAX: Final = 366
# Days whose clicks, views or credit the costs of a span are spread by: ten years, as a question may
# have.
WEIGHTED_DAYS_MAX: Final = 3_653
# Leads of the last 455 days, and orders of their people, of which the worth of a lead is measured.
LEADS_MAX: Final = 50_000
LEAD_ORDERS_MAX: Final = 100_000
# Conversions of an answer whose people are counted: each is read with its entries, whose sums are
# at most `CELLS_MAX`, too.
PEOPLE_MAX: Final = 10_000

_INSTEAD: Final = "ask for fewer days, for weeks or months, or by one dimension only"


class AnswerRefused(Exception):
    """The question cannot be answered. `field` is the parameter to change, `message` says how."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field, self.message = field, message


class AnswerTooLarge(AnswerRefused):
    """The answer would be too large."""


def check_rows(count: int) -> None:
    """Raise `AnswerTooLarge` for an answer with more than `ROWS_MAX` rows."""
    if count > ROWS_MAX:
        message = f"gives {count} rows, more than {ROWS_MAX}: {_INSTEAD}"
        raise AnswerTooLarge("group_by", message)


def check_cells(count: int) -> None:
    """Raise `AnswerTooLarge` for an answer that adds up more than `CELLS_MAX` sums."""
    if count > CELLS_MAX:
        message = f"adds up more than {CELLS_MAX} sums of placements and days: {_INSTEAD}"
        raise AnswerTooLarge("group_by", message)


def check_costs(count: int) -> None:
    """Raise `AnswerTooLarge` for a span with more than `CATALOG_ROWS_MAX` costs."""
    if count > CATALOG_ROWS_MAX:
        message = f"gives a span with more than {CATALOG_ROWS_MAX} costs: ask for fewer days"
        raise AnswerTooLarge("from", message)


def check_parts(count: int) -> None:
    """Raise `AnswerTooLarge` for costs that have too many parts to be listed one by one."""
    if count > CELLS_MAX:
        message = f"gives costs with more than {CELLS_MAX} parts: ask for fewer days"
        raise AnswerTooLarge("from", message)


def check_margins(count: int) -> None:
    """Raise `AnswerTooLarge` for a span in which the margin changes too often."""
    if count > MARGINS_MAX:
        message = f"gives a span with more than {MARGINS_MAX} margins: ask for fewer days"
        raise AnswerTooLarge("from", message)


def check_rates(count: int) -> None:
    """Raise `AnswerTooLarge` for a workspace with too many exchange rates."""
    if count > CATALOG_ROWS_MAX:
        message = f"needs more than {CATALOG_ROWS_MAX} exchange rates: archive those of the past"
        raise AnswerTooLarge("currency", message)


def check_value_rates(count: int) -> None:
    """Raise `AnswerTooLarge` for a workspace with too many value rates."""
    if count > CATALOG_ROWS_MAX:
        message = f"needs more than {CATALOG_ROWS_MAX} value rates: archive those of the past"
        raise AnswerTooLarge("from", message)


def check_weighted_days(count: int) -> None:
    """Raise `AnswerTooLarge` for costs that are spread by what happened on too many days."""
    if count > WEIGHTED_DAYS_MAX:
        message = (
            "gives costs that are spread by the clicks, views or credit of more than"
            f" {WEIGHTED_DAYS_MAX} days: ask for fewer days"
        )
        raise AnswerTooLarge("from", message)


def check_placements(count: int) -> None:
    """Raise `AnswerTooLarge` for a brand with too many placements to group by."""
    if count > CATALOG_ROWS_MAX:
        message = (
            f"needs the placements, of which there are more than {CATALOG_ROWS_MAX}:"
            " group by a dimension of time or by model"
        )
        raise AnswerTooLarge("group_by", message)
