"""Every metric that answers use: id, version, words, formula as text and as a pure function, what an empty value means, and a source.

Promise: a figure anywhere is computed by `compute` of one entry here and by nothing else, and an answer names the version. A changed
formula is a new version; another meaning of the same word is a new id. Values are exact (int or Ratio); rounding is the answer's.
What can go wrong: a denominator that is zero or missing gives None, never 0: missing is not zero.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from shared.credits import UNITS_PER_CONVERSION


@dataclass(frozen=True, slots=True)
class Ratio:
    """An exact quotient, as it came: to reduce each (as Fraction does) took half the time of an answer with many rows."""

    numerator: int
    denominator: int

    def times(self, factor: int) -> int:
        """`factor` times the quotient as a whole number, rounded half to even."""
        whole, rest = divmod(self.numerator * factor, self.denominator)
        twice, size = 2 * abs(rest), abs(self.denominator)
        return whole + 1 if twice > size or (twice == size and whole % 2) else whole


Value = int | Ratio | None


class Unit(StrEnum):
    """How a value is shown."""

    COUNT = "count"  # whole things
    CONVERSIONS = "conversions"  # may be a fraction, exact to the millionth
    MONEY = "money"  # minor units of a currency
    RATIO = "ratio"  # a bare number, rounded half-even to 6 places


@dataclass(frozen=True, slots=True)
class Figures:
    """What a row (or organic, or the totals) sums to, seen in one currency. None is missing: a rate that nobody gave.

    `units` are millionths of a conversion of any kind; `paid_units` of purchases and renewals in any currency,
    `paid_units_in_currency` of those in this one.
    """

    clicks: int
    units: int
    paid_units: int
    paid_units_in_currency: int
    net_revenue_minor: int | None
    contribution_minor: int | None
    cost_minor: int | None


@dataclass(frozen=True, slots=True)
class Metric:
    """One entry. `per_currency`: one value for each currency; `additive`: rows + organic = totals, exactly."""

    id: str
    version: int
    name: str
    formula: str
    inputs: tuple[str, ...]
    basis: str
    unit: Unit
    per_currency: bool
    additive: bool
    empty_value: str
    source: str
    compute: Callable[[Figures], Value]


def divide(numerator: int | None, denominator: int | None) -> Ratio | None:
    """The exact ratio; None when either is missing or the denominator is zero."""
    if numerator is None or not denominator:
        return None
    return Ratio(numerator, denominator)


def _profit_minor(figures: Figures) -> int | None:
    if figures.contribution_minor is None or figures.cost_minor is None:
        return None
    return figures.contribution_minor - figures.cost_minor


def _per_conversion(amount_minor: int | None, units: int) -> Ratio | None:
    return divide(None if amount_minor is None else amount_minor * UNITS_PER_CONVERSION, units)


_NULL_RATIO: Final = "null when the denominator is zero or missing, never 0"
_NULL_MONEY: Final = (
    "0 when nothing happened; null when an exchange rate is missing, never 0 and never 1:1"
)
_BOOKED: Final = "booked: net revenue (subtotal − discount, without tax and shipping, after adjustments) × margin"
_GLOSSARY: Final = "sizesgrid.com/en-US/marketing"
_LEXICON: Final = "virtual-languages.com/digital-marketing-technical-vocabulary-cmos/ontology"

DICTIONARY: Final = (
    Metric(
        id="clicks",
        version=1,
        name="Clicks",
        formula="count of link clicks without bots, previews and prefetches, by click time",
        inputs=("clicks",),
        basis="observed",
        unit=Unit.COUNT,
        per_currency=False,
        additive=True,
        empty_value="0 when nobody clicked",
        source="IAB/MRC Click Measurement Guidelines 1.0: measured clicks after filtering",
        compute=lambda figures: figures.clicks,
    ),
    Metric(
        id="conversions",
        version=1,
        name="Conversions",
        formula="sum of credited conversions of every kind; a shared conversion counts by its shares",
        inputs=("units",),
        basis="credited by the model",
        unit=Unit.CONVERSIONS,
        per_currency=False,
        additive=True,
        empty_value="0 when nothing was credited",
        source="Laurel's ledger: units in millionths of a conversion",
        compute=lambda figures: Ratio(figures.units, UNITS_PER_CONVERSION),
    ),
    Metric(
        id="net_revenue",
        version=1,
        name="Net revenue",
        formula="sum of credited net amounts (subtotal − discount, without tax and shipping, after adjustments)",
        inputs=("net_revenue",),
        basis="net",
        unit=Unit.MONEY,
        per_currency=True,
        additive=True,
        empty_value=_NULL_MONEY,
        source="Laurel's ledger: amount_minor",
        compute=lambda figures: figures.net_revenue_minor,
    ),
    Metric(
        id="cost",
        version=1,
        name="Cost",
        formula="sum of costs by incurred_on, each spread equally over the placements of its owner",
        inputs=("cost",),
        basis="accrual",
        unit=Unit.MONEY,
        per_currency=True,
        additive=True,
        empty_value=_NULL_MONEY,
        source="costs as entered",
        compute=lambda figures: figures.cost_minor,
    ),
    Metric(
        id="profit",
        version=1,
        name="Profit",
        formula="net_revenue × margin − cost; margin is that of the policy valid at the day of the figure",
        inputs=("net_revenue", "margin", "cost"),
        basis=_BOOKED,
        unit=Unit.MONEY,
        per_currency=True,
        additive=True,
        empty_value=_NULL_MONEY,
        source="accounting form of return: net benefit − cost",
        compute=_profit_minor,
    ),
    Metric(
        id="roi",
        version=1,
        name="Return on investment",
        formula="(net_revenue × margin − cost) ÷ cost",
        inputs=("profit", "cost"),
        basis=_BOOKED,
        unit=Unit.RATIO,
        per_currency=True,
        additive=False,
        empty_value=_NULL_RATIO,
        source="accounting form, benefit basis named: (net benefit − cost) ÷ cost",
        compute=lambda figures: divide(_profit_minor(figures), figures.cost_minor),
    ),
    Metric(
        id="roas",
        version=1,
        name="Return on ad spend",
        formula="net_revenue ÷ cost",
        inputs=("net_revenue", "cost"),
        basis="net",
        unit=Unit.RATIO,
        per_currency=True,
        additive=False,
        empty_value=_NULL_RATIO,
        source=_LEXICON,
        compute=lambda figures: divide(figures.net_revenue_minor, figures.cost_minor),
    ),
    Metric(
        id="cpa",
        version=1,
        name="Cost per acquisition",
        formula="cost ÷ credited purchases and renewals (of every currency)",
        inputs=("cost", "paid_conversions"),
        basis="accrual",
        unit=Unit.MONEY,
        per_currency=True,
        additive=False,
        empty_value=_NULL_RATIO,
        source=_LEXICON,
        compute=lambda figures: _per_conversion(figures.cost_minor, figures.paid_units),
    ),
    Metric(
        id="cpc",
        version=1,
        name="Cost per click",
        formula="cost ÷ clicks",
        inputs=("cost", "clicks"),
        basis="accrual",
        unit=Unit.MONEY,
        per_currency=True,
        additive=False,
        empty_value=_NULL_RATIO,
        source=_GLOSSARY,
        compute=lambda figures: divide(figures.cost_minor, figures.clicks),
    ),
    Metric(
        id="aov",
        version=1,
        name="Average order value",
        formula="net_revenue ÷ credited purchases and renewals, both in one currency",
        inputs=("net_revenue", "paid_conversions"),
        basis="net",
        unit=Unit.MONEY,
        per_currency=True,
        additive=False,
        empty_value=_NULL_RATIO,
        source="net revenue ÷ orders, on Laurel's net basis",
        compute=lambda figures: _per_conversion(
            figures.net_revenue_minor, figures.paid_units_in_currency
        ),
    ),
    Metric(
        id="conversion_rate",
        version=1,
        name="Conversion rate",
        formula="conversions ÷ clicks",
        inputs=("conversions", "clicks"),
        basis="credited by the model, per click",
        unit=Unit.RATIO,
        per_currency=False,
        additive=False,
        empty_value=_NULL_RATIO,
        source=f"{_GLOSSARY}; the base is clicks",
        compute=lambda figures: divide(figures.units, figures.clicks * UNITS_PER_CONVERSION),
    ),
)
