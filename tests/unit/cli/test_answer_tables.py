"""`laurel roi` and `laurel goals` as text: what each line shows, and what has no figure."""

from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from services.cli.answers.goals_command import figure
from services.cli.answers.roi_table import amounts, lines_of, roi_table
from services.cli.console import THEME


def euros(minor: int) -> dict[str, Any]:
    return {"amount_minor": minor, "currency": "EUR"}


def measures(revenue: Any, cost: Any, roi: Any, **more: Any) -> dict[str, Any]:
    found = {"clicks": 1_234, "conversions": 2.5, "net_revenue": revenue, "cost": cost}
    doubt = {"intervals": {"roi": [1.25, 1.75] if roi else None}, "too_few": False, "pays": "yes"}
    return found | {"profit": revenue, "roi": roi} | doubt | more


def answer(rows: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    meta = {
        "group_by": ["creator"],
        "from": "2026-03-01",
        "to": "2026-03-31",
        "model": "last",
        "currency": "EUR",
        "currencies": ["EUR"],
    }
    headlines = {
        "program": measures(euros(4_990), euros(2_000), 1.495),
        "brand": measures(euros(0), euros(0), None),
        "organic": measures(euros(700), euros(0), None),
        "overhead": measures(euros(0), euros(7_900), -1),
    }
    return {"meta": meta | more.pop("meta", {}), "rows": rows, **headlines, **more}


def row(label: str, group: str | None, **of: Any) -> dict[str, Any]:
    made = measures(euros(4_990), euros(2_000), 1.495)
    return {"label": label, "group": {"creator": group}, "measures": made | of, **made, **of}


def printed(given: dict[str, Any]) -> list[str]:
    text = StringIO()
    console = Console(file=text, width=160, theme=THEME, no_color=True)
    console.print(roi_table(given, lines_of(given)))
    return [line.rstrip() for line in text.getvalue().splitlines()]


def test_each_row_and_each_headline_has_one_line() -> None:
    rows = [row("Mia", "a"), row("unallocated", None), row("brand", None), row("overhead", None)]
    title, heading, *lines = printed(answer(rows))
    assert title == "Return by creator, 2026-03-01 to 2026-03-31, model last, in EUR"
    assert heading.split() == [
        "creator",
        "clicks",
        "conv.",
        "revenue",
        "cost",
        "profit",
        "ROI",
        "90",
        "%",
        "range",
        "kind",
    ]
    assert [line.split()[0] for line in lines] == [
        "Mia",
        "unallocated",
        "program",
        "brand",
        "organic",
        "overhead",
    ]
    shown = ["Mia", "1,234", "2.5", "49.90", "20.00", "49.90", "+150%", "+125%", "to", "+175%"]
    assert lines[0].split() == shown
    assert [line.split()[6:8] for line in lines[4:]] == 2 * [["–", "–"]]


def test_a_row_of_too_few_orders_says_so_and_one_without_an_interval_has_a_dash() -> None:
    rows = [row("Mia", "a", too_few=True), row("Jo", "b", intervals={"roi": None})]
    _, _, *lines = printed(answer(rows))
    assert lines[0].split()[-3:] == ["+150%", "too", "few"]
    assert lines[1].split()[-2:] == ["+150%", "–"]


def test_overhead_and_organic_have_no_roi() -> None:
    lines = printed(answer([]))
    assert "79.00" in lines[-1]
    assert "–" in lines[-1]
    assert "-100%" not in "".join(lines)


def test_several_currencies_have_a_line_each_and_missing_is_a_dash() -> None:
    both = [euros(4_990), {"amount_minor": 7, "currency": "JPY"}]
    assert amounts(both, is_one=False) == "49.90 EUR\n7 JPY"
    assert amounts([euros(0)], is_one=False) == "–"
    assert amounts(None, is_one=True) == "–"
    returns = [{"value": 0.5, "currency": "EUR"}, {"value": None, "currency": "JPY"}]
    ends = [
        [{"value": end, "currency": "EUR"}, {"value": None, "currency": "JPY"}] for end in (0, 1)
    ]
    of_both = measures(both, both, returns, intervals={"roi": ends}, pays="cannot_tell")
    given = answer([], program=of_both, meta={"currency": None, "currencies": ["EUR", "JPY"]})
    lines = printed(given)
    assert lines[0].endswith("in EUR and JPY")
    assert "49.90 EUR" in lines[2]
    assert "+50%" in lines[2]
    assert lines[2].rstrip(" alcretos").endswith("+0% to +100%")
    assert "7 JPY" in lines[3]


def test_models_have_headlines_of_their_own() -> None:
    both = [{"model": model, **measures(euros(1), euros(1), 0)} for model in ("first", "last")]
    given = answer([], program=both, meta={"model": ["first", "last"], "group_by": ["model"]})
    lines = printed(given)
    assert "several models" in lines[0]
    assert [line.split("  ")[0] for line in lines[2:4]] == ["program · first", "program · last"]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"),
        (euros(123_456), "1234.56 EUR"),
        (0.25, "0.25"),
        (12_345.6, "12,346"),
        (7, "7"),
        (-0.333333, "-0.3333"),
    ],
)
def test_a_figure_of_a_goal(value: Any, shown: str) -> None:
    assert figure(value) == shown
