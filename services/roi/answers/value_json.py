"""The JSON of a metric's values in answers.

Promise: money is whole minor units with its currency, a quotient a number, missing is null. One
currency in an answer gives single values; several give a list with one item each.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from services.roi.answers.assemble import Values
from services.roi.answers.kinds import Metric
from services.roi.answers.values import Unit, Value


def writer_of(metric: Metric, currencies: Sequence[str]) -> Callable[[Any], object]:
    """Return the function that makes JSON of a metric's value, chosen once for all rows."""
    if not metric.per_currency:
        return number_of
    write = money_writer if metric.unit is Unit.MONEY else ratio_writer
    return write(is_single=len(currencies) == 1)


def money_writer(*, is_single: bool) -> Callable[[Values], object]:
    """Return the function that makes JSON of money; `is_single`: the answer has one currency."""
    return _single_money if is_single else partial(_listed, "amount_minor")


def ratio_writer(*, is_single: bool) -> Callable[[Values], object]:
    """Return the function that makes JSON of a ratio per currency."""
    return _single if is_single else partial(_listed, "value")


def _listed(name: str, values: Values) -> object:
    return [{name: number_of(value), "currency": currency} for currency, value in values]


def value_as_json(metric: Metric, currencies: Sequence[str], value: Any) -> object:
    """Return the JSON of one value of a metric, as an answer has it."""
    return writer_of(metric, currencies)(value)


def _single(values: Values) -> object:
    return number_of(values[0][1])


def _single_money(values: Values) -> object:
    currency, value = values[0]
    return None if value is None else {"amount_minor": value, "currency": currency}


def number_of(value: Value) -> int | float | None:
    """Return a JSON number: a quotient has at most six decimals, so its double prints exactly."""
    if value is None or isinstance(value, int):
        return value
    whole, rest = divmod(value.numerator, value.denominator)
    return value.numerator / value.denominator if rest else whole
