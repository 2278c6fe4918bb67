"""The conversion of amounts: exact against fractions, and parts that add up to the totals."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from services.roi.answers.assemble import assemble
from services.roi.answers.cells import Batch, Cell
from services.roi.answers.exchange import PARTS, Exchange, Rate, converted, in_parts
from services.roi.answers.kinds import Fact
from services.roi.answers.measures.net_revenue import NET_REVENUE
from tests.unit.roi.test_answer import (
    DAY,
    FACTS,
    MEASURES,
    MEASURES_OF,
    check,
    credit_cells,
    group_bys,
    layout_of,
    totals,
)

DECIMALS = {"EUR": 2, "USD": 2, "JPY": 0, "KWD": 3}
rates = st.builds(
    Rate,
    currency=st.sampled_from(["USD", "JPY"]),
    first_on=st.integers(-4, 3).map(lambda shift: DAY + timedelta(days=shift)),
    amount=st.integers(1, 10**9).map(lambda number: Fraction(number, 10**6)),
)


def amount_of(held: Sequence[Rate], currency: str, day: date) -> Fraction | None:
    """Return what one unit of a currency is in euros, looked for in all rates."""
    if currency == "EUR":
        return Fraction(1)
    found = [rate for rate in held if rate.currency == currency and rate.first_on <= day]
    if not found:
        return None
    newest = max(rate.first_on for rate in found)
    return [rate.amount for rate in found if rate.first_on == newest][-1]


def test_a_rate_is_in_whole_units_and_an_amount_in_minor_ones() -> None:
    held = [Rate("JPY", DAY, Fraction("0.0061")), Rate("KWD", DAY, Fraction(3))]
    into = Exchange("EUR", "EUR", held)
    assert into.factor("EUR", DAY) == PARTS
    assert into.factor("JPY", DAY) == PARTS * 61 // 100
    assert into.factor("KWD", DAY) == PARTS * 3 // 10
    assert into.factor("JPY", DAY - timedelta(days=1)) is None
    assert Exchange("JPY", "EUR", held).factor("EUR", DAY) == round(Fraction(100 * PARTS, 61))


@given(
    group_bys,
    st.lists(credit_cells),
    st.lists(rates),
    st.sampled_from(["EUR", "JPY", "USD"]),
)
def test_rows_add_up_to_totals_that_are_the_exact_sums(
    group_by: list[str], credits: list[Cell], held: list[Rate], into: str
) -> None:
    layout = layout_of(group_by, into)
    seen = [cell for cell in credits if cell.model in layout.models]
    exchange = Exchange(into, "EUR", held)
    batches, gaps = converted(exchange, [Batch(MEASURES_OF[Fact.CREDITS], seen)])
    shown = assemble(replace(layout, measures=in_parts(MEASURES)), FACTS, batches)
    place = [measure.id for measure in MEASURES_OF[Fact.CREDITS]].index(NET_REVENUE.id)
    for model in layout.models:
        rows = [row for row in shown.rows if "model" not in group_by or row.group["model"] == model]
        wanted = Fraction(0)
        missing: dict[str, int] = {}
        for cell in (cell for cell in seen if cell.model == model):
            amounts = [amount_of(held, code, cell.segment) for code in (cell.currency, into)]
            value = cell.sums[place]
            if cell.currency == into:
                wanted += value
            elif amounts[0] is None or amounts[1] is None:
                missing[cell.currency] = missing.get(cell.currency, 0) + value
                assert not value or (cell.currency, cell.segment) in gaps
            else:
                scale = Fraction(10) ** (DECIMALS[into] - DECIMALS[cell.currency])
                factor = amounts[0] / amounts[1] * scale
                wanted += value * Fraction(round(factor * PARTS), PARTS)
                assert abs(value * factor - value * Fraction(round(factor * PARTS), PARTS)) < 1e-9
        ((currency, found),) = totals(shown.totals[model], NET_REVENUE.id)
        assert currency == into
        if found is not None:
            assert found == round(wanted)
        if any(missing.values()):
            assert found is None
        if not gaps:
            check(shown, model, None if layout.overlapping else rows)
