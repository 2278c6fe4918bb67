"""The printed report of the demo: ROI by creator, surprising facts, and commands to try.

Promise: every figure comes from the answer of roi; only the rows to mention are chosen here.
"""

import shlex
from dataclasses import dataclass
from typing import Any, Final

from rich.text import Text

from services.cli.answers.roi_command import show_warnings
from services.cli.answers.roi_table import Line, roi_table
from services.cli.console import LAUREL, out
from services.cli.demo.demo_brand import CREATORS, DemoCreator
from services.cli.demo.demo_catalog import CatalogIds
from services.cli.explain.plain_words import money
from services.roi.answers.metrics.net_revenue import NET_REVENUE

_MILLION: Final = 1_000_000
_THOUSAND: Final = 1_000
# From so many orders without a click, a creator counts as one whose code people hear.
CODE_ONLY_ORDERS_MIN: Final = 50


@dataclass(frozen=True, slots=True)
class Hints:
    """The values in the suggested commands: the workspace, the order to explain, roi's address."""

    workspace: str
    story: str
    roi: str


def show(
    answer: dict[str, Any], first_touch: dict[str, Any], plan: CatalogIds, hints: Hints
) -> None:
    """Print the table, the surprising facts, and commands to try."""
    creators = {plan.creators[creator.slug]: creator for creator in CREATORS}
    out.print(roi_table(answer, _lines(answer, creators)))
    show_warnings(answer["meta"]["warnings"])
    for fact in surprises(answer, first_touch, creators):
        out.print(f"[laurel]→[/] {fact}")
    out.print()
    address = f"{hints.roi}/v1/roi?group_by=campaign,day&model=linear"
    chosen = f"--workspace {shlex.quote(hints.workspace)}"
    for what, how in (
        (
            "Three creators led to this order, and part of it was refunded:",
            f"{LAUREL} explain {hints.story} {chosen}",
        ),
        ("The same month by what you like:", f"{LAUREL} roi --by campaign,week {chosen}"),
        ("How the goals of the month stand:", f"{LAUREL} goals {chosen}"),
        ("Prove that the ledger balances:", f"{LAUREL} verify {chosen}"),
        ("A key to this workspace:", f"export KEY=$({LAUREL} keys create {chosen})"),
        (
            "The same month by campaign and day:",
            f"curl -H \"Authorization: Bearer $KEY\" '{address}'",
        ),
        ("Everything that can be asked:", f"{hints.roi}/docs"),
    ):
        out.print(Text(what), Text(f"\n  {how}", style="hint"), sep="", soft_wrap=True)


def _lines(answer: dict[str, Any], creators: dict[str, DemoCreator]) -> list[Line]:
    """Return the lines of the creators, the best return first."""
    rows = [row for row in answer["rows"] if row["group"]["creator"] in creators]
    return [
        Line(row["label"], row["measures"], row, _kind(creators[row["group"]["creator"]]))
        for row in sorted(rows, key=_roi, reverse=True)
    ]


def _kind(creator: DemoCreator) -> str:
    return f"{creator.kind}, {_people(creator.followers)}"


def _people(count: int) -> str:
    """Return a count as `2.1 M`, with a non-breaking space."""
    if count >= _MILLION:
        return f"{count / _MILLION:.1f}\u00a0M"
    thousands = count / _THOUSAND
    return f"{thousands:.0f}\u00a0k" if count >= _THOUSAND * 10 else f"{thousands:.1f}\u00a0k"


def _roi(row: dict[str, Any]) -> float:
    roi = row["measures"]["roi"]
    return float("-inf") if roi is None else float(roi)


def surprises(
    answer: dict[str, Any], first_touch: dict[str, Any], creators: dict[str, DemoCreator]
) -> list[str]:
    """Return sentences about the rows of the table that may surprise."""
    rows = [
        row
        for row in answer["rows"]
        if row["group"]["creator"] in creators and row["measures"]["roi"] is not None
    ]
    if not rows:
        return []
    found = []
    loudest = max(rows, key=lambda row: int(row["measures"]["clicks"]))
    best = max(rows, key=_roi)
    if loudest is not best and _roi(loudest) < 0:
        found.append(
            f"Reach is not return: {_named(loudest, creators)} brought the most clicks"
            f" and lost money ({_roi(loudest):+.0%}); {_named(best, creators)}"
            f" returned {_roi(best):+.0%}."
        )
    for row in rows:
        if creators[row["group"]["creator"]].code_only_orders > CODE_ONLY_ORDERS_MIN:
            found.append(
                f"{row['label']} sold {money(row['measures'][NET_REVENUE.id])}"
                f" with {row['measures']['clicks']} clicks:"
                " listeners type the code and click nothing."
            )
    return [*found, *_mover(rows, first_touch)]


def _named(row: dict[str, Any], creators: dict[str, DemoCreator]) -> str:
    """Return the creator of a row with its kind."""
    return f"{row['label']} ({_kind(creators[row['group']['creator']])})"


def _mover(rows: list[dict[str, Any]], first_touch: dict[str, Any]) -> list[str]:
    """Return a sentence on the creator whose revenue differs most between first and last touch."""
    moves = [
        (first["amount_minor"] - row["measures"][NET_REVENUE.id]["amount_minor"], row, first)
        for row in rows
        if (first := _revenue(first_touch, row["group"]["creator"])) is not None
    ]
    if not moves:
        return []
    _, row, first = max(moves, key=lambda move: abs(move[0]))
    return [
        f"It depends on the question: {row['label']} gets"
        f" {money(row['measures'][NET_REVENUE.id])} as the last touch"
        f" and {money(first)} as the first."
    ]


def _revenue(answer: dict[str, Any], creator: str) -> dict[str, Any] | None:
    for row in answer["rows"]:
        if row["group"]["creator"] == creator:
            return dict(row["measures"][NET_REVENUE.id])
    return None
