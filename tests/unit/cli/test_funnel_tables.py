"""`laurel funnel` as text: the six stages, what is known of each, and the return of each row."""

from fractions import Fraction
from typing import Any

import pytest
from rich.console import Console

from services.cli.answers.funnel_table import rows_table, stages_table
from services.cli.answers.roi_table import count
from services.roi.answers.funnel.stages import FUNNEL
from services.roi.answers.kinds import Metric
from services.roi.answers.value_json import number_of
from services.roi.answers.values import Ratio

EUR = "EUR"


def euros(amount_minor: int | None) -> Any:
    return None if amount_minor is None else {"amount_minor": amount_minor, "currency": EUR}


def stage(name: str, booked_minor: int = 0, per_cost: float | None = None, **more: Any) -> Any:
    return {
        "stage": name,
        "volumes": more.get("volumes", {}),
        "rates": more.get("rates", {}),
        "rate_from_previous": more.get("rate"),
        "rate_of": None,
        "cost_per_unit": more.get("costs", {}),
        "return": {"booked": euros(booked_minor), "modelled": None, "assumed": None}
        | more.get("returns", {}),
        "return_per_cost": {"booked": per_cost, "modelled": None, "assumed": None}
        | more.get("ratios", {}),
        "people": more.get("people"),
        "median_days_to_next": more.get("days"),
        "median_days_sample": None,
    }


RATES: Any = {"conversion_rate": 0.04, "engagement_rate_by_views": None}
FIGURES: Any = {
    "stages": [
        stage(
            "consideration",
            volumes={"clicks": 1_200, "leads": 0},
            costs={"cpc": euros(50)},
            rates=RATES,
        ),
        stage(
            "purchase", 12_345, 1.5, rate=0.04, volumes={"purchases": 48.5}, people=1_045, days=2.5
        ),
        stage("advocacy", volumes={"referrals": None}, costs={"cost_per_referral": None}),
    ],
    "bcr": {"booked": 1.5, "with_modelled": None, "with_assumed": None},
    "cost": euros(60_000),
    "gaps": ["no content serves advocacy"],
    "sensitivity": [],
}
ANSWER: Any = {
    "meta": {
        "group_by": ["creator"],
        "from": "2026-03-01",
        "to": "2026-03-31",
        "model": "last",
        "currency": EUR,
        "currencies": [EUR],
    },
    "program": FIGURES,
    "rows": [
        {"label": "Mia", "group": {"creator": "1"}, **FIGURES},
        {"label": "overhead", "group": {"creator": None}, **FIGURES},
    ],
}


def text_of(table: object) -> list[str]:
    console = Console(width=120, record=True, force_terminal=False)
    with console.capture() as capture:
        console.print(table)
    return [line.rstrip() for line in capture.get().splitlines()]


def line_of(lines: list[str], word: str) -> str:
    return next(line for line in lines if line.startswith(word))


def test_the_stages_of_the_program() -> None:
    lines = text_of(stages_table(ANSWER))
    assert lines[0] == ("The program at each stage, 2026-03-01 to 2026-03-31, model last, in EUR")
    considered = line_of(lines, "consideration")
    assert "clicks 1,200" in considered
    assert "leads" not in considered
    assert "conversion rate 4.0%" in "\n".join(lines)
    assert "engagement rate" not in "\n".join(lines)
    assert "cost per click 0.50" in considered
    bought = line_of(lines, "purchase")
    assert "first orders 48.5" in bought
    assert bought.split()[-5:] == ["1,045", "4.0%", "–", "123.45", "1.50"]
    assert any("next in 2.5 days" in line for line in lines)
    # What is not known is a dash, and so is money that is zero.
    assert line_of(lines, "advocacy").split() == ["advocacy", *["–"] * 4, "0.00", "–"]
    assert lines[-1] == "cost 600.00, BCR 1.50 booked"
    assert not any("assumed" in line or "modelled" in line for line in lines)


VOLUMES = [metric for stage in FUNNEL for metric in stage.volumes]


@pytest.mark.parametrize("metric", VOLUMES, ids=lambda metric: metric.id)
def test_a_volume_of_millions_shows_all_its_digits(metric: Metric) -> None:
    """The worked example of each volume, and 1,234,567 more of it."""
    for more in (0, 1_234_567):
        exact = metric.example.value + more
        shown = number_of(Ratio(exact.numerator, exact.denominator))
        assert shown is not None
        lines = text_of(stages_table(with_volume(metric.id, shown)))
        told = line_of(lines, "awareness").removeprefix("awareness").split("–")[0].strip()
        name, _, digits = told.rpartition(" ")
        assert name == metric.name.lower()
        assert Fraction(digits.replace(",", "")) == exact
        assert digits.split(".")[0] == f"{int(exact):,}"


def with_volume(name: str, shown: float) -> Any:
    figures = {**FIGURES, "stages": [stage("awareness", volumes={name: shown})]}
    return {**ANSWER, "program": figures}


def test_a_count_keeps_the_millionths_of_a_shared_conversion() -> None:
    shown = [count(value) for value in (0, 48.5, 1_234_567.333333, 20_000_000, 0.000001)]
    assert shown == ["0", "48.5", "1,234,567.333333", "20,000,000", "0.000001"]


def test_the_return_of_each_row() -> None:
    lines = text_of(rows_table(ANSWER))
    assert lines[0] == "What came back for 1.00 of cost (booked)"
    assert line_of(lines, "Mia").split() == ["Mia", "–", "1.50", "–", "1.50"]
    # Overhead has no content, so nothing comes back for it.
    assert not any("overhead" in line for line in lines)


def test_several_currencies_stand_in_lines_of_their_own() -> None:
    both = [{"amount_minor": 100, "currency": EUR}, {"amount_minor": 700, "currency": "JPY"}]
    ratios = [{"value": 0.5, "currency": EUR}, {"value": None, "currency": "JPY"}]
    figures = {**FIGURES, "stages": [stage("purchase")], "cost": both}
    figures["stages"][0]["return"]["booked"] = both
    figures["stages"][0]["return_per_cost"]["booked"] = ratios
    figures["bcr"] = {"booked": ratios}
    meta = {**ANSWER["meta"], "currency": None, "currencies": [EUR, "JPY"]}
    lines = text_of(stages_table({**ANSWER, "meta": meta, "program": figures}))
    bought = line_of(lines, "purchase")
    assert "1.00 EUR" in bought
    assert bought.endswith("0.50")
    assert any("700 JPY" in line for line in lines)


def test_each_layer_of_return_stands_under_its_own_name() -> None:
    assumed: Any = {"returns": {"assumed": euros(6_000)}, "ratios": {"assumed": 0.1}}
    low = {"booked": 1.35, "with_modelled": None, "with_assumed": 1.45}
    figures = {
        **FIGURES,
        "stages": [stage("awareness", **assumed), stage("purchase", 12_345, 1.5)],
        "bcr": {"booked": 1.5, "with_modelled": None, "with_assumed": 1.6},
        "sensitivity": [
            {"input": "net_revenue", "lower": low, "higher": {"with_assumed": 1.75}},
            {"input": "staff_hours", "lower": {"with_assumed": 1.7}, "higher": low},
        ],
    }
    answer = {**ANSWER, "program": figures, "rows": [{"label": "Mia", "group": {}, **figures}]}
    lines = text_of(stages_table(answer))
    assert "booked" in lines[1]
    assert "assumed" in lines[1]
    assert "modelled" not in lines[1]
    assert line_of(lines, "awareness").split()[-4:] == ["0.00", "–", "60.00", "0.10"]
    assert line_of(lines, "purchase").split()[-4:] == ["123.45", "1.50", "–", "–"]
    assert lines[-2] == "cost 600.00, BCR 1.50 booked, 1.60 with assumed"
    assert lines[-1] == (
        "BCR with 10 % less or more of one input:"
        " net revenue 1.45 to 1.75, staff hours 1.70 to 1.45"
    )
    rows = text_of(rows_table(answer))
    assert rows[1].split()[-3:] == ["BCR", "with", "assumed"]
    assert line_of(rows, "Mia").split() == ["Mia", "–", "1.50", "1.50", "1.60"]
