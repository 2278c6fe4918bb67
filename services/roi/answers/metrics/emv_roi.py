"""Metric `emv_roi`: assumed return less cost, over cost; the rival of `roi` that vendors report."""

from fractions import Fraction
from typing import Final

from services.roi.answers.kinds import Example, Metric
from services.roi.answers.metrics.assumed_return import ASSUMED_RETURN, NOT_MEASURED
from services.roi.answers.values import Ratio, Unit, divide


def _return_on_cost(cost: int | None, *assumed: int | None) -> Ratio | None:
    value = ASSUMED_RETURN.compute(*assumed)
    if cost is None or not isinstance(value, int):
        return None
    return divide(value - cost, cost)


EMV_ROI: Final = Metric(
    id="emv_roi",
    version=1,
    name="Return on investment by assumed return",
    formula="(assumed_return − cost) ÷ cost",
    inputs=("cost", *ASSUMED_RETURN.inputs),
    basis="assumed: a rate that the brand set itself; no money that came in",
    unit=Unit.RATIO,
    per_currency=True,
    additive=False,
    empty_value="null where the assumed return or the cost is missing, and without a cost; never 0",
    source=(
        "Farris, Bendle, Pfeifer, Reibstein, Marketing Metrics, 2nd ed., chapter 10: return on"
        " investment, of an assumed return"
    ),
    compute=_return_on_cost,
    # 21,932.00 assumed of 10,000.00.
    example=Example({"cost": 1_000_000, **ASSUMED_RETURN.example.sums}, Fraction(11_932, 10_000)),
    no_interval=NOT_MEASURED,
    by_default=False,
)
