"""What volumes are deemed worth: exact against fractions, the rate that holds, what has none."""

from collections.abc import Sequence
from datetime import date, timedelta
from fractions import Fraction
from typing import get_args
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.roi.answers.assemble import assemble
from services.roi.answers.catalog_facts import CatalogFacts, Owner
from services.roi.answers.cells import Batch, Cell
from services.roi.answers.dictionary import METRICS
from services.roi.answers.kinds import Fact, Headline, Layer
from services.roi.answers.measures.assumed_by_stage import RATE_STEPS, VALUED_UNITS, WITHOUT_RATE
from services.roi.answers.value_rates import ValueRate, ValueRates, valued
from services.roi.domain.rollup import ORGANIC_ACCOUNT
from services.roi.wire.rate_shapes import ValuedUnit
from shared.credits import UNITS_PER_CONVERSION
from tests.unit.roi.test_answer import DAY, MEASURES, MEASURES_OF, layout_of, totals
from tests.unit.roi.test_metrics import exact

REEL, CLIP, TALK = UUID(int=31), UUID(int=32), UUID(int=33)
PLATFORMS = {REEL: "instagram", CLIP: "tiktok", TALK: None}
FACTS = CatalogFacts(
    {
        REEL: Owner(UUID(int=41), None, DAY),
        CLIP: Owner(UUID(int=42), None, DAY),
        TALK: Owner(None, None, DAY),
    },
    {"platform": {account: (word,) if word else () for account, word in PLATFORMS.items()}},
)
# What two currencies call one minor unit: a yen has none smaller.
DECIMALS = {"EUR": 2, "JPY": 0}


def rate(per: str, amount: str, first_on: date = DAY, platform: str | None = None) -> ValueRate:
    return ValueRate(per, platform, first_on, "EUR", int(Fraction(amount) * RATE_STEPS))


def counted(account: UUID, day: date = DAY, **counts: int) -> Cell:
    """The counts of a placement, each told by one report."""
    told = {name: counts.get(name, 0) for name in counts}
    told |= {f"{name}_reports": 1 for name in counts}
    sums = tuple(told.get(measure.id, 0) for measure in MEASURES_OF[Fact.COUNTS])
    return Cell(day, sums, account=account)


def credited(account: UUID, leads_millionths: int, day: date = DAY) -> Cell:
    sums = tuple(
        leads_millionths if measure.id == "leads" else 0 for measure in MEASURES_OF[Fact.CREDITS]
    )
    return Cell(day, sums, account=account, model="last", currency="EUR")


def batches_of(rates: Sequence[ValueRate], *cells: Cell) -> list[Batch]:
    # Only what is credited has a model.
    credits = [cell for cell in cells if cell.model is not None]
    counts = [cell for cell in cells if cell.model is None]
    read = [Batch(MEASURES_OF[Fact.CREDITS], credits), Batch(MEASURES_OF[Fact.COUNTS], counts)]
    return [*read, *valued(ValueRates(rates), MEASURES, read, FACTS)]


def figure(rates: Sequence[ValueRate], metric: str, *cells: Cell) -> object:
    answer = assemble(layout_of(["creator"], None), FACTS, batches_of(rates, *cells))
    (value,) = totals(answer.totals["last"], metric)
    return value[1]


def test_the_units_of_rates_are_those_that_are_valued() -> None:
    assert set(get_args(ValuedUnit)) == set(VALUED_UNITS) == set(WITHOUT_RATE)


def test_a_worked_example() -> None:
    """120,000 showings at 0.012 are 1,440.00; 300 likes at 0.05 and 40 comments at 0.2 are 23.00.

    Three and a half leads at 8.00 are 28.00.
    """
    rates = [rate("impression", "0.012"), rate("like", "0.05"), rate("comment", "0.2")]
    cells = (
        counted(REEL, impressions=100_000, likes=300),
        counted(CLIP, impressions=20_000, comments=40, views=7),
        credited(REEL, 3_500_000),
    )
    assert figure(rates, "assumed_at_awareness", *cells) == 144_000
    assert figure(rates, "assumed_at_engagement", *cells) == 2_300
    assert figure(rates, "assumed_at_consideration", *cells) is None
    leads = [*rates, rate("lead", "8")]
    assert figure(leads, "assumed_at_consideration", *cells) == 2_800
    assert figure(leads, "assumed_return", *cells) == 144_000 + 2_300 + 2_800
    assert figure([], "assumed_return", *cells) is None


def test_the_rate_of_the_day_holds_and_that_of_the_platform_beats_the_general_one() -> None:
    later = DAY + timedelta(days=2)
    rates = [
        rate("view", "0.01"),
        rate("view", "0.02", later),
        rate("view", "0.5", later, platform="tiktok"),
        rate("view", "0.6", later, platform="tiktok"),
    ]
    assert figure(rates, "assumed_return", counted(REEL, views=100)) == 100
    assert figure(rates, "assumed_return", counted(REEL, later, views=100)) == 200
    assert figure(rates, "assumed_return", counted(CLIP, views=100)) == 100
    assert figure(rates, "assumed_return", counted(CLIP, later, views=100)) == 6_000
    assert figure(rates, "assumed_return", counted(TALK, later, views=100)) == 200


def test_a_count_without_the_rate_of_its_day_makes_the_figure_missing() -> None:
    later = DAY + timedelta(days=1)
    rates = [rate("view", "0.01", later), rate("like", "1")]
    early, known = counted(REEL, views=100), counted(REEL, later, views=100, likes=2)
    assert figure(rates, "assumed_at_awareness", known) == 100
    assert figure(rates, "assumed_at_awareness", known, early) is None
    assert figure(rates, "assumed_return", known, early) is None
    assert figure(rates, "assumed_at_engagement", known, early) == 200
    # Nothing was seen on that day, so nothing lacks a rate; what was seen 0 times is worth 0.
    assert figure(rates, "assumed_at_awareness", known, counted(REEL, views=0)) == 100
    assert figure(rates, "assumed_at_awareness", counted(REEL, later, views=0)) == 0
    assert figure(rates, "assumed_at_awareness", counted(REEL, later, likes=0)) is None
    of_tiktok = [rate("view", "0.01", platform="tiktok")]
    assert figure(of_tiktok, "assumed_return", counted(CLIP, views=100)) == 100
    assert figure(of_tiktok, "assumed_return", counted(REEL, views=100)) is None


def test_what_nobody_is_credited_with_is_not_valued() -> None:
    leads = [rate("lead", "8")]
    assert figure(leads, "assumed_return", credited(ORGANIC_ACCOUNT, 9_000_000)) is None
    both = (credited(ORGANIC_ACCOUNT, 9_000_000), credited(REEL, 1_000_000))
    assert figure(leads, "assumed_return", *both) == 800


rates_held = st.builds(
    ValueRate,
    per=st.sampled_from(sorted(VALUED_UNITS)),
    platform=st.sampled_from([None, "instagram", "tiktok"]),
    first_on=st.integers(-3, 3).map(lambda shift: DAY + timedelta(days=shift)),
    currency=st.sampled_from(sorted(DECIMALS)),
    millionths=st.integers(1, 10**7),
)
count_cells = st.builds(
    counted,
    st.sampled_from(sorted(PLATFORMS)),
    st.integers(-3, 3).map(lambda shift: DAY + timedelta(days=shift)),
    views=st.integers(-50, 10**6),
    likes=st.integers(-50, 10**4),
)
lead_cells = st.builds(credited, st.sampled_from(sorted(PLATFORMS)), st.integers(0, 10**7))
Held = Sequence[ValueRate]


def held_for(held: Held, per: str, account: UUID, day: date) -> ValueRate | None:
    """Return the rate of a unit, looked for in all of them: that of the platform first."""
    for platform in dict.fromkeys((PLATFORMS[account], None)):
        found = [one for one in held if (one.per, one.platform) == (per, platform)]
        found = [one for one in found if one.first_on <= day]
        if found:
            newest = max(one.first_on for one in found)
            return [one for one in found if one.first_on == newest][-1]
    return None


def worth_of(
    held: Held, per: str, cells: Sequence[Cell], fact: Fact, one: int
) -> dict[str, Fraction] | None:
    """Return the exact worth of a unit by currency.

    None where a rate is missing, and where nothing was reported or credited that has one.
    """
    names = [measure.id for measure in MEASURES_OF[fact]]
    place = names.index(VALUED_UNITS[per].counted.id)
    found: dict[str, Fraction] = {}
    for cell in cells:
        assert cell.account is not None
        at = held_for(held, per, cell.account, cell.segment)
        if at is None and cell.sums[place]:
            return None
        # A report of no views is known to be worth nothing; no lead is nothing to value.
        if at is not None and (fact is Fact.COUNTS or cell.sums[place]):
            minor = Fraction(at.millionths, RATE_STEPS) * 10 ** DECIMALS[at.currency]
            found[at.currency] = found.get(at.currency, Fraction(0)) + (
                minor * Fraction(cell.sums[place], one)
            )
    return found or None


@pytest.mark.parametrize("stage", ["awareness", "engagement", "consideration"])
@given(st.lists(rates_held, max_size=12), st.lists(count_cells), st.lists(lead_cells))
def test_rows_add_up_to_totals_that_are_the_exact_worth(
    stage: str, held: Held, counts: list[Cell], leads: list[Cell]
) -> None:
    per, cells, fact, one = {
        "awareness": ("view", counts, Fact.COUNTS, 1),
        "engagement": ("like", counts, Fact.COUNTS, 1),
        "consideration": ("lead", leads, Fact.CREDITS, UNITS_PER_CONVERSION),
    }[stage]
    has_rate = any(each.per == per for each in held)
    answer = assemble(layout_of(["creator"], None), FACTS, batches_of(held, *counts, *leads))
    wanted = worth_of(held, per, cells, fact, one) if has_rate else None
    name = f"assumed_at_{stage}"
    for currency, value in totals(answer.totals["last"], name):
        assert value == (None if wanted is None else round(wanted.get(currency, Fraction(0))))
        wholes = [
            dict(totals(answer.headlines[headline]["last"], name))[currency]
            for headline in (Headline.PROGRAM, Headline.BRAND)
        ]
        rows = [dict(totals(row.figures, name))[currency] for row in answer.rows]
        if value is not None:
            assert sum(exact(one or 0) for one in rows) == value
            assert sum(exact(one or 0) for one in wholes) == value


@given(st.lists(rates_held, max_size=12), st.lists(count_cells), st.lists(lead_cells))
def test_value_rates_move_no_figure_of_another_layer(
    held: Held, counts: list[Cell], leads: list[Cell]
) -> None:
    batches = batches_of([], *counts, *leads), batches_of(held, *counts, *leads)
    without, with_rates = (assemble(layout_of(["creator"], "EUR"), FACTS, one) for one in batches)
    others = [name for name, metric in METRICS.items() if metric.layer is not Layer.ASSUMED]
    before, after = (
        {row.label: {name: row.figures[name] for name in others} for row in answer.rows}
        for answer in (without, with_rates)
    )
    assert after == before
    for name in others:
        assert with_rates.totals["last"][name] == without.totals["last"][name], name
