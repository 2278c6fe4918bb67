"""What was told of an order: each version and adjustment counts or says why it does not."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.attribution.domain.model import Adjustment
from services.attribution.domain.netting import net_of
from services.attribution.domain.order_reports import (
    AdjustmentReason,
    OrderReports,
    VersionReason,
    reports_of,
)
from tests.factories import adjustment, days, order

NET = 5000


def told(reports: OrderReports) -> list[tuple[str, int, bool, str | None]]:
    return [
        (item.adjustment.adjustment_id, item.net_change_minor, item.counts, item.reason)
        for item in reports.adjustments
    ]


@pytest.mark.parametrize(
    ("adjustments", "expected"),
    [
        ([adjustment("refund", amount_minor=1500)], [("a1", -1500, True, None)]),
        ([adjustment("edit", net_after_minor=7000)], [("a1", 2000, True, None)]),
        ([adjustment("edit", net_after_minor=NET)], [("a1", 0, True, None)]),
        ([adjustment("chargeback", amount_minor=5000)], [("a1", -5000, True, None)]),
        ([adjustment("cancel")], [("a1", -5000, True, None)]),
        ([adjustment("refund", amount_minor=6000)], [("a1", -6000, True, "above_rest")]),
        (
            [adjustment("refund", amount_minor=6000, capped=True)],
            [("a1", -5000, True, "above_rest")],
        ),
        (
            [adjustment("cancel", after=days(1)), adjustment("refund", "a2", amount_minor=100)],
            [("a1", -5000, True, None), ("a2", 0, False, "nothing_left")],
        ),
        (
            [
                adjustment("refund", amount_minor=900, version=1),
                adjustment("refund", amount_minor=0, version=2),
            ],
            [("a1", 0, False, "replaced"), ("a1", 0, False, "came_back")],
        ),
        ([adjustment("chargeback", amount_minor=0)], [("a1", 0, False, "takes_nothing")]),
        (
            [adjustment("refund", amount_minor=10, currency="USD")],
            [("a1", 0, False, "other_currency")],
        ),
        (
            [adjustment("refund", amount_minor=10, source="public")],
            [("a1", 0, False, "not_trusted")],
        ),
        (
            [
                adjustment("refund", amount_minor=900),
                adjustment("refund", amount_minor=800, source_id="bank"),
            ],
            [("a1", 0, False, "told_elsewhere"), ("a1", -900, True, None)],
        ),
    ],
)
def test_each_adjustment_has_its_part_of_the_net_or_a_reason(
    adjustments: list[Adjustment], expected: list[tuple[str, int, bool, str | None]]
) -> None:
    for arrival in permutations(adjustments):
        assert told(reports_of([order(net_minor=NET)], arrival)) == expected


def test_a_gross_refund_shows_what_of_it_is_goods() -> None:
    sold = order(net_minor=NET, taxes_included=True)
    gross = adjustment("refund", amount_minor=1190, tax_minor=190)
    only_tax = adjustment("refund", "a2", amount_minor=190, tax_minor=190)
    assert told(reports_of([sold], [gross, only_tax])) == [
        ("a1", -1000, True, None),
        ("a2", 0, False, "takes_nothing"),
    ]


def test_a_pending_refund_counts_and_says_so() -> None:
    (item,) = reports_of(
        [order(net_minor=NET)], [adjustment("refund", amount_minor=900, pending=True)]
    ).adjustments
    assert (item.counts, item.is_pending, item.net_change_minor) == (True, True, -900)


def test_without_an_order_or_of_a_test_order_nothing_counts() -> None:
    refund = adjustment("refund", amount_minor=900, pending=True)
    claim = order(net_minor=NET, source="public")
    for versions, reason in (
        ([], AdjustmentReason.AWAITING_ORDER),
        ([claim], AdjustmentReason.AWAITING_ORDER),
        ([order(net_minor=NET, test=True)], AdjustmentReason.TEST_ORDER),
        ([order(net_minor=NET, source="secret", history=True)], AdjustmentReason.PAST_ORDER),
    ):
        (item,) = reports_of(versions, [refund]).adjustments
        assert (item.reason, item.counts, item.is_pending) == (reason, False, False)


def test_the_adjustments_of_a_cancelled_version_change_nothing() -> None:
    reports = reports_of(
        [order(net_minor=NET, cancelled=True)], [adjustment("refund", amount_minor=900)]
    )
    assert told(reports) == [("a1", 0, False, "nothing_left")]


def test_the_versions_say_which_counts_and_why_the_others_do_not() -> None:
    old = order(net_minor=100, version=1)
    new = order(net_minor=200, version=3)
    secret = order(net_minor=300, version=2, source="secret", source_id="key")
    for arrival in permutations((old, new, secret)):
        reports = reports_of(arrival, [])
        assert [(item.version, item.reason) for item in reports.versions] == [
            (old, VersionReason.REPLACED),
            (secret, VersionReason.LESS_TRUSTED),
            (new, None),
        ]
    assert reports_of([order(net_minor=1, source="public")], []).versions == ()


ADJUSTMENTS = st.builds(
    lambda kind, name, amount, version, day, more: adjustment(
        kind,
        name,
        amount_minor=None if kind == "edit" else amount,
        net_after_minor=amount if kind == "edit" else None,
        version=version,
        after=days(day),
        **more,
    ),
    st.sampled_from(("refund", "edit", "cancel", "chargeback")),
    st.sampled_from(("a", "b", "c", "d")),
    st.integers(0, 6000),
    st.integers(0, 2),
    st.integers(1, 4),
    st.fixed_dictionaries(
        {
            "currency": st.sampled_from(("EUR", "USD", None)),
            "source_id": st.sampled_from(("shop", "bank")),
            "capped": st.booleans(),
            "pending": st.booleans(),
        }
    ),
)


@given(
    adjustments=st.lists(ADJUSTMENTS, max_size=6, unique_by=lambda a: a.event_id),
    cancelled=st.booleans(),
)
def test_what_the_adjustments_changed_adds_up_to_the_net(
    adjustments: list[Adjustment], *, cancelled: bool
) -> None:
    sold = order(net_minor=NET, cancelled=cancelled)
    reports = reports_of([sold], adjustments)
    net = net_of(sold, adjustments)
    start = 0 if cancelled else NET
    assert start + sum(item.net_change_minor for item in reports.adjustments) == net.net_minor
    assert len(reports.adjustments) == len(adjustments)
    for item in reports.adjustments:
        assert item.counts or item.net_change_minor == 0
    pending = [item.adjustment.event_id for item in reports.adjustments if item.is_pending]
    assert set(pending) <= set(net.pending)
