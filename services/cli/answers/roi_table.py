"""The table of an ROI answer: its rows, then program, brand, organic and overhead.

Promise: every figure comes from the answer of roi. Overhead and organic have no ROI: they
have only a cost, or only revenue. A missing figure is a dash. With one currency it stands in the
title; with several each amount has its own, one line each.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from rich.console import Group
from rich.table import Table
from rich.text import Text

from services.cli.console import out
from services.cli.explain.plain_words import money
from services.roi.answers.doubt import NO, YES
from services.roi.answers.kinds import Headline
from services.roi.answers.metrics.net_revenue import NET_REVENUE

DASH: Final = "–"
# A narrower terminal shows no kinds; the sentences below the table name those that matter.
_WIDTH_FOR_KINDS: Final = 92
_MONEY: Final = {NET_REVENUE.id: "revenue", "cost": "cost", "profit": "profit"}
_WORDS: Final = {
    Headline.PROGRAM: "all creators",
    Headline.BRAND: "own content",
    Headline.ORGANIC: "without content",
    Headline.OVERHEAD: "not of a creator",
}
_STYLES: Final = {YES: "good", NO: "bad"}
_WITHOUT_ROI: Final = (Headline.ORGANIC, Headline.OVERHEAD)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table; `kind` says in words what it is, `doubt` has its intervals."""

    label: str
    measures: Mapping[str, Any]
    doubt: Mapping[str, Any]
    kind: str = ""
    style: str = ""
    has_roi: bool = True


def lines_of(answer: Mapping[str, Any]) -> list[Line]:
    """Return a line for each row, but for those that are a headline figure."""
    return [
        Line(row["label"], row["measures"], row)
        for row in answer["rows"]
        if not is_headline(row, Headline.BRAND, Headline.OVERHEAD)
    ]


def roi_table(answer: Mapping[str, Any], lines: list[Line]) -> Group:
    """Return the title, and the table of these lines and of the answer's headline figures."""
    table = Table(box=None, pad_edge=False)
    table.add_column(" · ".join(answer["meta"]["group_by"]), overflow="fold")
    for heading in ("clicks", "conv.", *_MONEY.values(), "ROI", "90 % range"):
        table.add_column(heading, justify="right", no_wrap=True)
    is_wide = out.width >= _WIDTH_FOR_KINDS
    if is_wide:
        table.add_column("kind", style="quiet", no_wrap=True)
    is_one = answer["meta"]["currency"] is not None
    for line in (*lines, *_headlines(answer)):
        kind = [line.kind] if is_wide else []
        table.add_row(*_cells(line, is_one=is_one), *kind, style=line.style)
    return Group(Text(_title(answer), style="italic"), table)


def _title(answer: Mapping[str, Any]) -> str:
    meta = answer["meta"]
    model = meta["model"]
    credited = "several models" if isinstance(model, list) else f"model {model}"
    by, currencies = " and ".join(meta["group_by"]), " and ".join(meta["currencies"])
    return f"Return by {by}, {meta['from']} to {meta['to']}, {credited}, in {currencies}"


def is_headline(row: Mapping[str, Any], *headlines: Headline) -> bool:
    """Return whether a row has no creator, campaign or placement and is one of these headlines."""
    return not any(row["group"].values()) and row["label"] in headlines


def _headlines(answer: Mapping[str, Any]) -> Iterator[Line]:
    """Yield the headline figures, those of each model where the answer lists models."""
    for headline in Headline:
        found = answer[headline.value]
        for measures in found if isinstance(found, list) else [found]:
            label = headline.value
            if isinstance(found, list):
                label += f" · {measures['model']}"
            yield Line(
                label,
                measures,
                measures,
                _WORDS[headline],
                "bold" if headline is Headline.PROGRAM else "",
                has_roi=headline not in _WITHOUT_ROI,
            )


def _cells(line: Line, *, is_one: bool) -> list[Text]:
    measures = line.measures
    cells = [
        line.label,
        count(measures["clicks"]),
        count(measures["conversions"]),
        *(amounts(measures[name], is_one=is_one) for name in _MONEY),
    ]
    if not line.has_roi:
        return [*map(Text, cells), Text(DASH), Text(DASH)]
    return [*map(Text, cells), _roi(measures["roi"]), _range(line.doubt)]


def count(value: float) -> str:
    """Return a count with all its digits, in groups; a share of a conversion has six at most."""
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.6f}".rstrip("0").rstrip(".")


def amounts(value: Any, *, is_one: bool) -> str:
    """Return money; without its currency where that is in the title, else one line for each."""
    if isinstance(value, list):
        known = [item for item in value if item["amount_minor"]]
        return "\n".join(map(money, known)) or DASH
    shown = money(value)
    return shown.rsplit(" ", 1)[0] if is_one and value is not None else shown


def _range(doubt: Mapping[str, Any]) -> Text:
    """Return the interval of the ROI, one line for each currency, or that there are too few."""
    if doubt["too_few"]:
        return Text("too few", style="quiet")
    ends = [_values(end) for end in doubt["intervals"]["roi"] or ()]
    pairs = [(low, high) for low, high in zip(*ends, strict=True) if low is not None]
    shown = "\n".join(f"{low:+.0%} to {high:+.0%}" for low, high in pairs)
    return Text(shown or DASH, style=_STYLES.get(doubt["pays"], ""))


def _values(value: Any) -> list[Any]:
    return [item["value"] for item in value] if isinstance(value, list) else [value]


def _roi(value: Any) -> Text:
    values = _values(value)
    known = [item for item in values if item is not None]
    if not known:
        return Text(DASH)
    style = "good" if min(known) > 0 else "bad" if max(known) < 0 else ""
    return Text("\n".join(f"{item:+.0%}" for item in known), style=style)
