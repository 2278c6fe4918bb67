"""The seasonality index of rows by a stretch of days that comes again: weekdays, months. Pure.

The index of a row is its mean for each day over the mean of all rows for each day. Its days are
those of the period that had begun at the answer's moment and that filters by time leave.

Promise: weighted by their days, the indexes of all days have the mean 1. A row says how many days
it is the mean of. What can go wrong: an index is None where two whole stretches do not fit in those
days, where all rows together are not above 0, and where an amount is missing.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction
from typing import Final

from services.roi.answers.assemble import Answer, Row, Season, Values
from services.roi.answers.filters import Filter
from services.roi.answers.kinds import Dimension, Example, FromTime, Metric
from services.roi.answers.values import Ratio, Unit, Value, rounded

# A season that was seen once cannot be told from chance: statsmodels' `seasonal_decompose` also
# needs two complete cycles.
STRETCHES_LEAST: Final = 2


def index_of(value: Value, days: int, total: Value, all_days: int) -> Value:
    """Return the mean for each day over the mean of all days, in six decimals."""
    if value is None or total is None or not days or not all_days:
        return None
    over = _exact(total) * days
    if over <= 0:
        return None
    index = _exact(value) * all_days / over
    return rounded(Unit.RATIO, Ratio(index.numerator, index.denominator))


def _exact(value: int | Ratio) -> Fraction:
    return (
        Fraction(value) if isinstance(value, int) else Fraction(value.numerator, value.denominator)
    )


INDEX: Final = Metric(
    id="seasonality_index",
    version=1,
    name="Seasonality index",
    formula="(figure of the row ÷ days of the row) ÷ (figure of all rows ÷ days of all rows)",
    inputs=(),
    basis="that of the figure: each additive figure of a row by `weekday` or `month_of_year`",
    unit=Unit.RATIO,
    per_currency=False,
    additive=False,
    empty_value=(
        "null where the days hold less than two whole stretches (2 days of a weekday, 56 of a"
        " month), where all rows together are not above 0, or where an amount is missing"
    ),
    source=(
        "Hyndman, Athanasopoulos, Forecasting: Principles and Practice, 3rd ed., section 3.4:"
        " the mean of each season, here over the overall mean in place of a trend"
    ),
    compute=index_of,
    # 300 clicks on 2 Mondays, 1,400 on 14 days: 150 a day where the mean is 100.
    example=Example(
        {"of the row": 300, "days of the row": 2, "of all rows": 1_400, "days of all rows": 14},
        Fraction(3, 2),
    ),
    no_interval="a ratio of two means, which are told with the days that they are of",
)


def recurring(dimensions: Sequence[Dimension]) -> Dimension | None:
    """Return the only dimension of rows when its values come again."""
    first, *others = dimensions
    is_recurring = isinstance(first.source, FromTime) and first.source.recurring_days
    return first if is_recurring and not others else None


def days_by_word(
    dimension: Dimension, days: Iterable[date], filters: Sequence[Filter]
) -> Counter[str]:
    """Return how many days each value of a dimension of time has, of those that filters leave."""
    source = dimension.source
    assert isinstance(source, FromTime)
    of_time = [(one, one.dimension.source) for one in filters]
    return Counter(
        source.word(day)
        for day in days
        if all(
            one.passes([other.word(day)]) for one, other in of_time if isinstance(other, FromTime)
        )
    )


def with_seasons(
    answer: Answer, dimension: Dimension, metrics: Sequence[Metric], days: Mapping[str, int]
) -> Answer:
    """Return the answer with the index of each additive figure in the rows of the dimension."""
    source = dimension.source
    assert isinstance(source, FromTime)
    least = STRETCHES_LEAST * source.recurring_days
    told = [metric for metric in metrics if metric.additive]
    rows = [row for row in answer.rows if row.group[dimension.id] is not None]
    totals = {metric.id: _total(metric, rows) for metric in told}
    all_days = sum(days.values())

    def season(row: Row) -> Season | None:
        word = row.group[dimension.id]
        if word is None:
            return None
        count = days.get(word, 0)
        enough = count if count >= least else 0
        return Season(
            count,
            {
                metric.id: _index(row.figures[metric.id], enough, totals[metric.id], all_days)
                for metric in told
            },
        )

    return replace(answer, rows=tuple(replace(row, season=season(row)) for row in answer.rows))


def _index(
    figure: Value | Values, days: int, total: Value | Values, all_days: int
) -> Value | Values:
    if isinstance(figure, tuple) and isinstance(total, tuple):
        pairs = zip(figure, total, strict=True)
        return tuple(
            (currency, index_of(value, days, whole, all_days))
            for (currency, value), (_, whole) in pairs
        )
    assert not isinstance(figure, tuple)
    assert not isinstance(total, tuple)
    return index_of(figure, days, total, all_days)


def _total(metric: Metric, rows: Sequence[Row]) -> Value | Values:
    figures = [row.figures[metric.id] for row in rows]
    of_currencies = [figure for figure in figures if isinstance(figure, tuple)]
    if not of_currencies:
        return _sum([one for one in figures if not isinstance(one, tuple)], metric)
    return tuple(
        (of_one[0][0], _sum([value for _, value in of_one], metric))
        for of_one in zip(*of_currencies, strict=True)
    )


def _sum(values: Sequence[Value], metric: Metric) -> Value:
    """Return the sum; None when an amount is missing, but what nobody counted counts as nothing."""
    known = [_exact(value) for value in values if value is not None]
    if len(known) < len(values) and not metric.may_be_missing:
        return None
    total = sum(known, Fraction())
    return Ratio(total.numerator, total.denominator)
