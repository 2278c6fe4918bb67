"""The doubt of a row: each metric has its interval where enough of what it counts was kept."""

import dataclasses

import pytest

from services.roi.answers.dictionary import MEASURES, METRICS
from services.roi.answers.doubt import Doubt, doubter
from services.roi.answers.intervals import ORDERS_LEAST
from services.roi.answers.kinds import Metric
from services.roi.answers.sums import RowSums, Rules
from shared.credits import UNITS_PER_CONVERSION


def counted_by(metric_id: str, measure: str) -> Metric:
    """The metric, whose interval counts so many of another measure."""
    metric = METRICS[metric_id]
    assert metric.interval is not None
    return dataclasses.replace(
        metric, interval=dataclasses.replace(metric.interval, orders=measure)
    )


# Net revenue counts purchases and renewals, and this cost of an order counts later orders.
OF_ORDERS, OF_LATER_ORDERS = METRICS["net_revenue"], counted_by("cpa", "retained_orders")


def doubt_of(metrics: tuple[Metric, ...], orders: int, later_orders: int) -> Doubt:
    """The doubt of a row with so many orders of 10.00 for 100.00."""
    sums = {
        "net_revenue": orders * 1_000,
        "net_revenue_squares": orders * 1_000**2,
        "revenue_without_net": 0,
        "paid_units_in_currency": orders * UNITS_PER_CONVERSION,
        "paid_units": orders * UNITS_PER_CONVERSION,
        "retained_orders": later_orders * UNITS_PER_CONVERSION,
        "cost": 10_000,
    }
    measures = tuple(MEASURES[name] for name in sums)
    row = RowSums(Rules.of(measures, "EUR"))
    row.add(range(len(sums)), "EUR", list(sums.values()))
    return doubter(metrics, measures, ("EUR",))(row)


@pytest.mark.parametrize("metrics", [(OF_ORDERS, OF_LATER_ORDERS), (OF_LATER_ORDERS, OF_ORDERS)])
@pytest.mark.parametrize("orders", [ORDERS_LEAST - 1, ORDERS_LEAST])
@pytest.mark.parametrize("later_orders", [ORDERS_LEAST - 1, ORDERS_LEAST])
def test_each_metric_counts_its_own_orders(
    metrics: tuple[Metric, ...], orders: int, later_orders: int
) -> None:
    found = doubt_of(metrics, orders, later_orders)
    known = {name for name, ends in found.intervals.items() if ends is not None}
    wanted = {"net_revenue": orders, "cpa": later_orders}
    assert known == {name for name, count in wanted.items() if count >= ORDERS_LEAST}
    assert found.too_few is not bool(known)
