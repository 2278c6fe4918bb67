"""The state of a page, read from its address and written into its links. Pure.

Promise: the address is the only state. Names are those of the API: `from`, `to`, `currency`,
`model`, `compare`, `filter.<dimension>`, and what a page names as its own. A parameter that nobody
knows, or a value that cannot be, is named in a notice and left out; it never fails a page.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Final
from urllib.parse import quote, urlencode

from shared.models import CREDIT_MODELS
from shared.money import CURRENCIES

COMPARISONS: Final = {"previous": "the period before", "year": "the year before"}
DEFAULT_MODEL: Final = "last"
DEFAULT_DAYS: Final = 30
DEFAULT_LETTER: Final = "t"
ALL: Final = "all"
_FILTER: Final = re.compile(r"filter\.[a-z_]{1,40}")
_CARRIED: Final = ("from", "to", "currency", "model")
_TEXT_CHARACTERS_MAX: Final = 300

Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class View:
    """The state of one page. `own` are the parameters of that page alone."""

    path: str
    first: str | None = None
    last: str | None = None
    currency: str | None = None
    model: str | None = None
    compare: str | None = None
    filters: Pairs = ()
    own: Pairs = ()
    notices: Sequence[str] = ()

    @classmethod
    def parse(cls, path: str, query: Iterable[tuple[str, str]], own: Iterable[str] = ()) -> "View":
        """Return the view of an address; `own` names the parameters of the page."""
        known_own = frozenset(own)
        view = cls(path)
        for name, value in query:
            view = view._with(name, value.strip()[:_TEXT_CHARACTERS_MAX], known_own)
        if view.first and view.last and view.first != ALL and view.first > view.last:
            notice = f"The period ends before it begins: {view.first} to {view.last}."
            view = replace(view, first=None, last=None, notices=(*view.notices, notice))
        return view

    def _with(self, name: str, value: str, own: frozenset[str]) -> "View":
        if not value:
            return self
        if name in own:
            kept = tuple(pair for pair in self.own if pair[0] != name)
            return replace(self, own=(*kept, (name, value)))
        if _FILTER.fullmatch(name):
            kept = tuple(pair for pair in self.filters if pair[0] != name)
            return replace(self, filters=(*kept, (name, value)))
        check = _CHECKS.get(name)
        if check is None:
            return self._noting(f"This page does not know “{name}”, so it was left out.")
        field, is_right, what = check
        if not is_right(value):
            return self._noting(f"“{value}” is not {what}, so “{name}” was left out.")
        changed: dict[str, Any] = {field: value}
        return replace(self, **changed)

    def _noting(self, notice: str) -> "View":
        return replace(self, notices=(*self.notices, notice))

    # --- links -----------------------------------------------------------------------------------

    def pairs(self) -> list[tuple[str, str]]:
        """Return the parameters in their canonical order."""
        given = (
            ("from", self.first),
            ("to", self.last),
            ("currency", self.currency),
            ("model", self.model),
            ("compare", self.compare),
        )
        return [(name, value) for name, value in given if value] + [*self.filters, *self.own]

    def link(self, path: str | None = None, **changes: str | None) -> str:
        """Return the address of this state at `path`, with changes; None takes a parameter out.

        Underscores stand for what Python names cannot hold: `from_`, `filter__creator`.
        """
        wanted = {_name(name): value for name, value in changes.items()}
        pairs = [(name, value) for name, value in self.pairs() if name not in wanted]
        pairs += [(name, value) for name, value in wanted.items() if value]
        return _address(path or self.path, pairs)

    def unfiltered(self) -> str:
        """Return the address of this state without its filters."""
        return replace(self, filters=()).link()

    def carried(self, path: str, **extra: str | None) -> str:
        """Return the address of another page with what travels: period, currency, model."""
        pairs = [pair for pair in self.pairs() if pair[0] in _CARRIED]
        pairs += [(_name(name), value) for name, value in extra.items() if value]
        return _address(path, pairs)

    def get(self, name: str) -> str | None:
        """Return a parameter of the page's own."""
        return dict(self.own).get(name)

    # --- the API ---------------------------------------------------------------------------------

    def question(self, **more: str | None) -> dict[str, str]:
        """Return the parameters of an answer of the API."""
        asked = {
            "from": self.first,
            "to": self.last,
            "currency": self.currency,
            "model": self.model,
            "compare": self.compare,
            **dict(self.filters),
            **{_name(name): value for name, value in more.items()},
        }
        return {name: value for name, value in asked.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Preset:
    """A period that people name: its letter on the keyboard, label and days."""

    letter: str
    label: str
    first: str
    last: str | None
    is_default: bool = False


def presets(today: date) -> Sequence[Preset]:
    """Return the periods that pages offer, for the workspace's present day."""
    month = today.replace(day=1)
    month_before = (month - timedelta(days=1)).replace(day=1)
    quarter = month.replace(month=(month.month - 1) // 3 * 3 + 1)
    spans = (
        ("w", "7 days", today - timedelta(days=6), today),
        ("t", "30 days", today - timedelta(days=DEFAULT_DAYS - 1), today),
        ("l", "90 days", today - timedelta(days=89), today),
        ("m", "This month", month, today),
        ("p", "Last month", month_before, month - timedelta(days=1)),
        ("q", "This quarter", quarter, today),
        ("y", "This year", today.replace(month=1, day=1), today),
    )
    found = [
        Preset(key, name, a.isoformat(), b.isoformat(), key == DEFAULT_LETTER)
        for key, name, a, b in spans
    ]
    return (*found, Preset("a", "All time", ALL, None))


def _name(name: str) -> str:
    return "filter." + name[8:] if name.startswith("filter__") else name.rstrip("_")


def _address(path: str, pairs: Pairs) -> str:
    query = urlencode(pairs, safe=",:-", quote_via=quote)
    return f"{path}?{query}" if query else path


def _is_day(value: str) -> bool:
    try:
        return date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def _is_first(value: str) -> bool:
    return value == ALL or _is_day(value)


def _is_model(value: str) -> bool:
    # A model with parameters is named such as `time_decay(half_life_days=7)`.
    return value.partition("(")[0] in CREDIT_MODELS


_DAY: Final = "a day such as 2026-11-30"
_CHECKS: Final[Mapping[str, tuple[str, Callable[[str], bool], str]]] = {
    "from": ("first", _is_first, f"{_DAY} or “all”"),
    "to": ("last", _is_day, _DAY),
    "currency": ("currency", CURRENCIES.__contains__, "a currency such as EUR"),
    "model": ("model", _is_model, "a credit model such as last"),
    "compare": ("compare", COMPARISONS.__contains__, "“previous” or “year”"),
}
