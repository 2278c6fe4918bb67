"""An answer as CSV: made from the JSON body of the answer, so that both always say the same. Pure.

Promise: one line for each row, then the headline figures, the totals and the warnings; the column
`line` says which. A column's id is the path of the figure in the JSON body, without the word
`measures` or `stages`. Amounts are decimals and have their currency in the column `currency`.
In an answer with several currencies, a row has one line for each, with what is in that currency,
and one without a currency for the rest; so a sum over a column counts nothing twice. The
sensitivity of a funnel has a line for each input, whose label is the input.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from shared.api.csv_text import Cell, Money, csv_bytes
from shared.api.exports import LINE

CURRENCY: Final = "currency"
LABEL: Final = "label"
WARNING: Final = "warning"
# The inputs of a headline figure, in the JSON body and as lines after its own.
SENSITIVITY: Final = "sensitivity"
_INPUT: Final = "input"
# Each interval has two columns, one for each end.
_INTERVALS: Final = "intervals"
_ENDS: Final = ("low", "high")
# Fields whose word is left out of the ids of columns.
_LEFT_OUT: Final = frozenset({"measures", "stages"})
_OF_LINES: Final = frozenset({"group", LABEL, "model"})

# The figures of one line before it is split by currency: by the id of the column, then by currency;
# the empty currency is for what has none.
_Figures = dict[str, dict[str, Cell]]


def answer_csv(body: bytes) -> bytes:
    """Return the JSON body of an answer with rows, headline figures and totals as CSV."""
    answer: dict[str, Any] = msgspec.json.decode(body)
    meta = answer.pop("meta")
    lines = list(_lines(answer, meta["currencies"]))
    lines += [{LINE: WARNING, LABEL: warning["sentence"]} for warning in meta["warnings"]]
    named = [LINE, *meta["group_by"], LABEL, CURRENCY]
    columns = dict.fromkeys([*named, *(name for line in lines for name in line)])
    return csv_bytes([tuple(columns), *([line.get(name) for name in columns] for line in lines)])


def _lines(answer: Mapping[str, Any], currencies: Sequence[str]) -> Iterator[dict[str, Cell]]:
    for name, part in answer.items():
        for one in part if isinstance(part, list) else [part]:
            inputs = one.pop(SENSITIVITY, ())
            line: dict[str, Cell] = {LINE: "row" if name == "rows" else name}
            line |= one.get("group", {})
            line |= {field: one[field] for field in (LABEL, "model") if field in one}
            figures: _Figures = {}
            for field in one:
                if field == _INTERVALS:
                    _collect(
                        field, {metric: _ends(ends) for metric, ends in one[field].items()}, figures
                    )
                elif field not in _OF_LINES:
                    _collect("" if field in _LEFT_OUT else field, one[field], figures)
            yield from _by_currency(line, figures, currencies)
            for moved in inputs:
                yield from _moved(moved, currencies)


def _moved(moved: dict[str, Any], currencies: Sequence[str]) -> Iterator[dict[str, Cell]]:
    """Yield the lines of one input: the ratios with less and with more of it."""
    line: dict[str, Cell] = {LINE: SENSITIVITY, LABEL: moved.pop(_INPUT)}
    figures: _Figures = {}
    _collect("", moved, figures)
    yield from _by_currency(line, figures, currencies)


def _ends(interval: Any) -> dict[str, Any]:
    return dict(zip(_ENDS, interval or (None, None), strict=True))


def _by_currency(
    line: dict[str, Cell], figures: _Figures, currencies: Sequence[str]
) -> Iterator[dict[str, Cell]]:
    if len(currencies) <= 1:
        values = {name: next(iter(found.values())) for name, found in figures.items()}
        yield {**line, CURRENCY: currencies[0] if currencies else None, **values}
        return
    for currency in ("", *currencies):
        values = {name: found[currency] for name, found in figures.items() if currency in found}
        if values:
            yield {**line, CURRENCY: currency or None, **values}


def _collect(name: str, value: Any, figures: _Figures) -> None:
    """Put a value of the body, with all that is in it, into the figures."""
    match value:
        case {"amount_minor": minor, "currency": currency}:
            amount = None if minor is None else Money(minor, currency)
            figures.setdefault(name, {})[currency] = amount
        case {"currency": currency, "value": number}:
            figures.setdefault(name, {})[currency] = number
        case dict():
            for field, inner in value.items():
                _collect(f"{name}.{field}" if name else field, inner, figures)
        case list():
            _collect_list(name, value, figures)
        case _:
            figures[name] = {"": value}


def _collect_list(name: str, values: list[Any], figures: _Figures) -> None:
    """Put a list into the figures: stages, values by currency, or sentences."""
    match values:
        case [{"stage": _}, *_]:
            for stage in values:
                _collect(stage.pop("stage"), stage, figures)
        case [{"currency": _}, *_]:
            for each in values:
                _collect(name, each, figures)
        case _:
            figures[name] = {"": "; ".join(map(str, values)) or None}
