"""The value of a conversion: its version, each kind of adjustment, order, tax, caps, currencies."""

from itertools import permutations

import pytest

from services.attribution.domain.decide import decide_scope
from services.attribution.domain.model import Adjustment, CatalogFacts, Status
from services.attribution.domain.netting import Net, codes_on, counted, net_of
from shared.code_texts import code_text
from tests.factories import (
    adjustment,
    conversion_key,
    customer,
    days,
    ident,
    lead,
    minutes,
    order,
    scope,
)

CANCELLED = 0
WHOLE = 1_000_000


@pytest.mark.parametrize(
    ("adjustments", "net_minor", "units"),
    [
        ([], 5000, WHOLE),
        ([adjustment("refund", amount_minor=1500)], 3500, WHOLE),
        ([adjustment("refund", amount_minor=5000)], 0, WHOLE),
        ([adjustment("refund", amount_minor=6000)], -1000, WHOLE),
        ([adjustment("refund", amount_minor=6000, capped=True)], 0, WHOLE),
        ([adjustment("refund", amount_minor=1500, currency=None)], 3500, WHOLE),
        ([adjustment("cancel")], 0, CANCELLED),
        ([adjustment("cancel", currency="USD")], 0, CANCELLED),
        ([adjustment("cancel", amount_minor=2000)], 3000, WHOLE),
        ([adjustment("chargeback")], 0, CANCELLED),
        ([adjustment("chargeback", amount_minor=5000)], 0, CANCELLED),
        ([adjustment("edit", net_after_minor=7000)], 7000, WHOLE),
        ([adjustment("edit", net_after_minor=0)], 0, WHOLE),
    ],
)
def test_each_kind_of_adjustment(adjustments: list[Adjustment], net_minor: int, units: int) -> None:
    net = net_of(order(net_minor=5000), adjustments)
    assert (net.net_minor, net.units, net.mismatched) == (net_minor, units, ())


def test_an_edit_beats_the_deltas_before_it_and_not_those_after() -> None:
    parts = [
        adjustment("refund", "a", amount_minor=1000, after=days(1)),
        adjustment("edit", "b", net_after_minor=3000, after=days(2)),
        adjustment("refund", "c", amount_minor=500, after=days(3)),
    ]
    nets = {net_of(order(net_minor=5000), arrival).net_minor for arrival in permutations(parts)}
    assert nets == {2500}


def test_at_one_moment_the_adjustment_id_decides() -> None:
    refund_first = [
        adjustment("refund", "a", amount_minor=1000),
        adjustment("edit", "b", net_after_minor=3000),
    ]
    edit_first = [
        adjustment("edit", "a", net_after_minor=3000),
        adjustment("refund", "b", amount_minor=1000),
    ]
    assert net_of(order(), refund_first).net_minor == 3000
    assert net_of(order(), edit_first).net_minor == 2000


def test_one_adjustment_told_twice_takes_away_once() -> None:
    told = adjustment("refund", amount_minor=1000)
    assert net_of(order(net_minor=5000), [told, told]).net_minor == 4000


def test_an_edit_after_a_cancel_brings_the_order_back() -> None:
    cancel = adjustment("cancel", "a", after=days(1))
    back = adjustment("edit", "b", net_after_minor=2000, after=days(2))
    assert net_of(order(), [cancel, back]) == Net("EUR", 2000)


def test_a_refund_of_a_cancelled_order_does_not_bring_its_units_back() -> None:
    cancel = adjustment("cancel", "a", after=days(1))
    refund = adjustment("refund", "b", amount_minor=4990, capped=True, after=days(2))
    assert net_of(order(), [cancel, refund]) == Net("EUR", 0, cancelled=True)
    assert net_of(order(), [adjustment("refund", "0", amount_minor=4990), cancel]).cancelled


def test_included_tax_is_taken_out_of_a_refund() -> None:
    refund = adjustment("refund", amount_minor=1190, tax_minor=190, capped=True)
    assert net_of(order(net_minor=5000, taxes_included=True), [refund]).net_minor == 4000
    assert net_of(order(net_minor=5000), [refund]).net_minor == 3810


def test_a_capped_refund_takes_nothing_from_a_negative_net() -> None:
    below = adjustment("refund", "a", amount_minor=6000)
    capped = adjustment("refund", "b", amount_minor=500, capped=True)
    assert net_of(order(net_minor=5000), [below, capped]).net_minor == -1000


def test_another_currency_is_left_out_and_named() -> None:
    dollars = adjustment("refund", amount_minor=1000, currency="USD")
    net = net_of(order(net_minor=5000), [dollars])
    assert (net.net_minor, net.mismatched) == (5000, (dollars.event_id,))


def test_a_lead_has_no_money_and_can_be_cancelled() -> None:
    key = conversion_key("l1", "lead")
    assert net_of(lead("l1"), []) == Net(None, 0)
    assert net_of(lead("l1"), [adjustment("cancel", of=key)]).units == 0
    money = adjustment("refund", of=key, amount_minor=100, currency=None)
    assert net_of(lead("l1"), [money]) == Net(None, 0, mismatched=(money.event_id,))


def test_the_most_trusted_source_counts_then_the_vendor_s_clock_then_the_id() -> None:
    webhook_old = order(source="webhook", version=1, net_minor=1)
    webhook_new = order(source="webhook", version=2, net_minor=2)
    secret = order(source="secret", version=9, net_minor=3)
    public = order(source="public", version=99, net_minor=4)
    for arrival in permutations((webhook_old, webhook_new, secret, public)):
        assert counted(arrival) == webhook_new
    assert counted((secret, public)) == secret
    twins = order(source_id="a"), order(source_id="b")
    assert counted(twins) == counted(reversed(twins)) == max(twins, key=lambda v: v.event_id)


def test_codes_are_those_of_the_latest_version_of_each_trusted_source() -> None:
    versions = (
        order(version=1, codes=("GONE",)),
        order(version=2, codes=(" mia10 ",)),
        order(source="secret", codes=("LEO10", "MIA10")),
        order(source="public", codes=("STOLEN",)),
    )
    for arrival in permutations(versions):
        assert codes_on(arrival) == (code_text("LEO10"), code_text("MIA10"))


def test_what_only_a_public_key_claims_is_unconfirmed_and_worth_nothing() -> None:
    claim = order("1001", customer("ann"), source="public", net_minor=9_999_999)
    decision = decide_scope(scope(claim), CatalogFacts())[conversion_key()]
    assert decision.status is Status.UNCONFIRMED
    assert (decision.net_minor, decision.units, decision.credits) == (0, 0, ())


def test_a_claim_changes_nothing_of_a_confirmed_order_s_money() -> None:
    claim = order(source="public", net_minor=9_999_999, version=9)
    decision = decide_scope(scope(claim, order(net_minor=4990)), CatalogFacts())[conversion_key()]
    assert decision.status is Status.ORGANIC
    assert decision.net_minor == 4990


def test_an_adjustment_waits_for_its_order() -> None:
    cancel = adjustment("cancel")
    assert decide_scope(scope(cancel), CatalogFacts()) == {}
    assert decide_scope(scope(cancel, order()), CatalogFacts())[conversion_key()].units == 0


def test_a_mismatch_is_named_on_the_decision() -> None:
    dollars = adjustment("refund", amount_minor=1000, currency="USD", after=minutes(5))
    decision = decide_scope(scope(order(), dollars), CatalogFacts())[conversion_key()]
    assert decision.mismatched == (ident("event", "purchase/1001/a1"),)
