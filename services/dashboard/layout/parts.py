"""The values that `base.html` and the macros of `parts.html` show, beside cells and tables. Pure.

Promise: texts are ready to be shown and addresses ready to be followed; a template formats nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from services.dashboard.tables.table import Cell

Choice = tuple[str, str]  # the value of an option, and its label
ChangeKind = Literal["up", "down", "flat"]


@dataclass(frozen=True, slots=True)
class PresetLink:
    """One period that people name; `letter` is its key on the keyboard."""

    letter: str
    label: str
    href: str
    is_current: bool = False


@dataclass(frozen=True, slots=True)
class PeriodBar:
    """The period, currency, model and comparison of a page, as a form that is sent by GET.

    `action` is the path of the page. `kept` are its other parameters, such as filters. A list of
    options that is empty is not offered. `first` is a day, `all`, or None for the default period.
    """

    action: str
    first: str | None
    last: str | None
    presets: Sequence[PresetLink] = ()
    currencies: Sequence[Choice] = ()
    currency: str | None = None
    models: Sequence[Choice] = ()
    model: str | None = None
    comparisons: Sequence[Choice] = ()
    compare: str | None = None
    kept: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Tab:
    """A headline number that chooses what the chart below shows.

    `change` is a text such as `12.3 %`; its direction and whether that is good are said in words
    and by colour. `is_good` is None where neither is true. `note` holds the interval.
    """

    label: str
    cell: Cell
    href: str
    is_current: bool = False
    change: str | None = None
    change_kind: ChangeKind = "flat"
    is_good: bool | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a checklist: what to do, where, and whether it is done."""

    label: str
    text: str
    href: str
    is_done: bool = False
