"""Texts of figures as people read them: money, counts, ratios, percentages, days, intervals. Pure.

Promise: a missing figure is a dash and never 0. Money has the decimals of ISO 4217 and all its
digits: what is shown is what the API answered. Figures in several currencies are listed, not added.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime
from babel.numbers import format_currency, format_decimal, get_currency_symbol

from services.dashboard.tables.table import Cell
from shared.money import minor_decimals

LOCALE: Final = "en"
_CODE: Final = re.compile(r"`([^`]+)`")
MISSING: Final = "–"
# Units of the metric dictionary whose figures are shares and read best as percentages.
_SHARES: Final = frozenset(
    {"roi", "conversion_rate", "emv_roi", "roi_without_boost", "rate_from_previous"}
)


def money_text(amount: Mapping[str, Any]) -> str:
    """Return an amount of the API such as `€1,234.50`."""
    currency = amount["currency"]
    digits = minor_decimals(currency)
    # A sign stands at the number, a code of letters before a blank.
    gap = "\xa0" if get_currency_symbol(currency, LOCALE)[-1].isalpha() else ""
    pattern = f"¤{gap}#,##0" + ("." + "0" * digits if digits else "")
    return format_currency(
        major(amount), currency, format=pattern, locale=LOCALE, currency_digits=False
    )


def tick_text(metric: str, like: Any) -> Callable[[Decimal], str]:
    """Return the text of a number on the axis of a metric; `like` is one of its figures."""
    if isinstance(like, Mapping):
        symbol = get_currency_symbol(like["currency"], LOCALE)
        gap = "\xa0" if symbol[-1].isalpha() else ""
        return lambda value: format_decimal(value, format=f"'{symbol}'{gap}#,##0.##", locale=LOCALE)
    return lambda value: figure_text(metric, value)


def major(amount: Mapping[str, Any]) -> Decimal:
    """Return an amount of the API in major units."""
    return Decimal(amount["amount_minor"]).scaleb(-minor_decimals(amount["currency"]))


def number_text(value: float | Decimal, decimals: int = 2) -> str:
    """Return a number with grouped digits and at most `decimals` decimals."""
    return format_decimal(_exact(value), format="#,##0." + "#" * decimals, locale=LOCALE)


def percent_text(value: float | Decimal) -> str:
    """Return a share as a percentage with one decimal: 0.12345 is 12.3 %."""
    return format_decimal(_exact(value) * 100, format="#,##0.0", locale=LOCALE) + " %"


def ratio_text(value: float | Decimal) -> str:
    """Return a ratio with two decimals: 1.5 is 1.50."""
    return format_decimal(_exact(value), format="#,##0.00", locale=LOCALE)


def figure_text(metric: str, value: Any) -> str:
    """Return any figure of an answer: null, a number, money, or a list of amounts."""
    if value is None:
        return MISSING
    if isinstance(value, Mapping):
        return money_text(value)
    if isinstance(value, Sequence):
        return " · ".join(map(money_text, value)) or MISSING
    if is_share(metric):
        return percent_text(value)
    return ratio_text(value) if is_ratio(metric) else number_text(value)


def is_share(metric: str) -> bool:
    """Return whether a metric is shown as a percentage."""
    return metric in _SHARES or metric.startswith("engagement_rate")


def is_ratio(metric: str) -> bool:
    """Return whether a metric is a ratio that is shown with two decimals."""
    return metric in ("bcr", "roas", "seasonality_index") or metric.startswith("return_per_cost")


def figure_value(value: Any) -> Decimal | int | str | None:
    """Return the exact value of a figure: major units of one amount, a text for several."""
    if value is None:
        return None
    if isinstance(value, Mapping):
        return major(value)
    if isinstance(value, Sequence):
        return "; ".join(f"{major(one)} {one['currency']}" for one in value) or None
    return value if isinstance(value, int) else _exact(value)


def figure_cell(
    metric: str, value: Any, *, why: str | None = None, note: str | None = None
) -> Cell:
    """Return the cell of a figure; a missing one has no link."""
    text = figure_text(metric, value)
    return Cell(text, figure_value(value), why=why if value is not None else None, note=note)


def interval_text(metric: str, ends: Sequence[Any] | None) -> str | None:
    """Return the ends of a 90 % interval, or None."""
    if not ends or any(end is None for end in ends):
        return None
    low, high = (figure_text(metric, end) for end in ends)
    return f"{low} to {high}"


def plain_words(sentence: str) -> str:
    """Return a sentence of the API with its own words in quotation marks instead of backticks."""
    return _CODE.sub(r"“\1”", sentence)


def day_text(day: str | date) -> str:
    """Return a day such as `12 Nov 2026`."""
    found = date.fromisoformat(day) if isinstance(day, str) else day
    return format_date(found, format="d MMM y", locale=LOCALE)


def moment_text(moment: str, zone: str) -> str:
    """Return an RFC 3339 moment as local time of the workspace, such as `12 Nov 2026, 14:05`."""
    local = datetime.fromisoformat(moment).astimezone(ZoneInfo(zone))
    return format_datetime(local, format="d MMM y, HH:mm", locale=LOCALE)


def _exact(value: float | Decimal) -> Decimal:
    return value if isinstance(value, Decimal) else Decimal(repr(value))
