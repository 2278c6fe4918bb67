"""A believable month of a brand: every figure of `GET /v1/roi` equals an independent sum.

The facts are sent through the public calls only; the sums read the list of facts and no table.
"""

from collections.abc import Callable
from fractions import Fraction
from typing import Final

import pytest

from services.roi.answers.intervals import ORDERS_LEAST
from tests.integration.brand_month import (
    ALL,
    Where,
    by_campaign,
    by_creator,
    by_day,
    by_platform,
    headline,
    summed,
)
from tests.integration.played_month import SPAN, Played, measured

pytestmark = pytest.mark.xdist_group("installation")

HEADLINES: Final = ("program", "brand", "organic", "overhead")
ROWS: Final[dict[str, Callable[[Where], str | None]]] = {
    "creator": by_creator,
    "campaign": by_campaign,
    "platform": by_platform,
    "day": by_day,
}


@pytest.mark.parametrize("group_by", list(ROWS))
def test_every_figure_equals_the_sum_of_the_facts(played: Played, group_by: str) -> None:
    answer = played.brand.roi_answer(group_by=group_by, **SPAN)
    rows = {row["label"]: measured(row["measures"]) for row in answer["rows"]}
    assert rows == summed(played.month, ROWS[group_by])
    expected = summed(played.month, headline)
    assert {name: measured(answer[name]) for name in HEADLINES} == expected
    assert measured(answer["totals"]) == summed(played.month, lambda _: "all")["all"]


def test_ratios_stand_on_the_program_and_on_own_content(played: Played) -> None:
    answer = played.brand.roi_answer(**SPAN)
    for name, figure in summed(played.month, headline).items():
        if name in ("program", "brand"):
            returned = (figure["contribution"] - figure["cost"]) / figure["cost"]
            assert answer[name]["roi"] == round(float(returned), 6)
            roas = figure["net_revenue"] / figure["cost"]
            assert answer[name]["roas"] == round(float(roas), 6)
    assert "roi" not in answer["totals"]
    assert {warning["id"] for warning in answer["meta"]["warnings"]} == {
        "costs_without_placement",
        "overhead",
    }


def test_intervals_are_those_of_the_orders_from_rollups_and_from_entries(played: Played) -> None:
    """The squares are amount × net of each order that stands; margins and costs are known."""
    squares = dict.fromkeys(HEADLINES, Fraction(0))
    orders = dict.fromkeys(HEADLINES, Fraction(0))
    for sale in played.month.sales:
        for slug in sale.earned_by or (None,):
            content = None if slug is None else ALL[slug]
            name = headline((content, "organic" if content is None else None, None, None))
            share = Fraction(1, len(sale.earned_by) or 1)
            squares[name] += sale.kept_minor**2 * share
            orders[name] += share if sale.minor else 0
    rollups = played.brand.roi_answer(**SPAN)
    as_of = {"as_of": rollups["meta"]["as_of"]}
    entries = played.brand.roi_answer(group_by="hour", **SPAN)
    known = played.brand.roi_answer(**SPAN, **as_of)
    assert rollups["meta"]["source"] != entries["meta"]["source"] == "entries"
    for name in ("program", "brand", "organic"):
        shown = {part: rollups[name][part] for part in ("intervals", "too_few", "pays")}
        for other in (entries, known):
            assert {part: other[name][part] for part in shown} == shown
        assert shown["too_few"] == (orders[name] < ORDERS_LEAST)
        revenue = shown["intervals"]["net_revenue"]
        assert (revenue is None) == shown["too_few"]
        if revenue is not None:
            total = rollups[name]["net_revenue"]["amount_minor"]
            half = 1.644854 * float(squares[name]) ** 0.5
            for end, sign in zip(revenue, (-1, 1), strict=True):
                # Shares of an order are whole minor units.
                assert abs(end["amount_minor"] - (total + sign * half)) < 5
    assert not rollups["program"]["too_few"]


def test_the_month_is_proved(played: Played) -> None:
    played.brand.assert_verified()
