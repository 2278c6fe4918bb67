"""A believable month of a brand: every figure of `GET /v1/roi` equals an independent sum.

The facts are sent through the public calls only; the sums read the list of facts and no table.
"""

from collections.abc import Callable
from typing import Final

import pytest

from tests.integration.brand_month import (
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


def test_the_month_is_proved(played: Played) -> None:
    played.brand.assert_verified()
