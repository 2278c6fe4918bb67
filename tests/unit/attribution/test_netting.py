"""The value of a conversion: its version, each kind of adjustment, order, tax, caps, currencies."""

from itertools import permutations

import pytest

from services.attribution.domain.decide import decide_scope
from services.attribution.domain.model import (
    Adjustment,
    CatalogFacts,
    ConversionVersion,
    Status,
)
from services.attribution.domain.netting import Net, codes_on, counted, net_of
from shared.catalog import ZeroValueOrders
from shared.code_texts import code_text
from shared.events import AdjustmentKind
from tests.factories import (
    adjustment,
    conversion_key,
    customer,
    days,
    facts,
    ident,
    lead,
    minutes,
    order,
    policy,
    scope,
)

GIVEN_BACK = False
KEPT = True


@pytest.mark.parametrize(
    ("adjustments", "net_minor", "is_kept"),
    [
        ([], 5000, KEPT),
        ([adjustment("refund", amount_minor=1500)], 3500, KEPT),
        ([adjustment("refund", amount_minor=5000)], 0, GIVEN_BACK),
        ([adjustment("refund", amount_minor=6000)], -1000, GIVEN_BACK),
        ([adjustment("refund", amount_minor=6000, capped=True)], 0, GIVEN_BACK),
        ([adjustment("refund", amount_minor=1500, currency=None)], 3500, KEPT),
        ([adjustment("cancel")], 0, GIVEN_BACK),
        ([adjustment("cancel", currency="USD")], 0, GIVEN_BACK),
        ([adjustment("cancel", amount_minor=2000)], 3000, KEPT),
        ([adjustment("chargeback")], 0, GIVEN_BACK),
        ([adjustment("chargeback", amount_minor=5000)], 0, GIVEN_BACK),
        ([adjustment("edit", net_after_minor=7000)], 7000, KEPT),
        ([adjustment("edit", net_after_minor=0)], 0, KEPT),
    ],
)
def test_each_kind_of_adjustment(
    adjustments: list[Adjustment], net_minor: int, *, is_kept: bool
) -> None:
    net = net_of(order(net_minor=5000), adjustments)
    assert (net.net_minor, net.is_kept, net.mismatched) == (net_minor, is_kept, ())


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


@pytest.mark.parametrize("capped", [True, False])
@pytest.mark.parametrize("kind", ["cancel", "chargeback"])
def test_after_a_cancel_or_a_whole_chargeback_nothing_is_left_to_refund(
    kind: AdjustmentKind, capped: bool
) -> None:
    cancel = adjustment(kind, "a", after=days(1))
    refund = adjustment("refund", "b", amount_minor=4990, capped=capped, after=days(2))
    assert net_of(order(), [cancel, refund]) == Net("EUR", 0, cancelled=True)
    before = adjustment("refund", "0", amount_minor=4990)
    assert net_of(order(), [before, cancel]) == Net("EUR", 0, cancelled=True)


def test_a_cancelled_version_is_worth_nothing_and_a_newer_one_brings_the_order_back() -> None:
    refund = adjustment("refund", amount_minor=4990, source_id="shop")
    cancelled = order(version=2, cancelled=True)
    assert net_of(cancelled, [refund]) == Net("EUR", 0, cancelled=True)
    open_again = order(version=3, cancelled=False)
    for arrival in permutations((order(version=1), cancelled, open_again)):
        assert net_of(counted(arrival), []) == Net("EUR", 4990)


def test_the_cancel_that_an_older_release_read_from_an_order_does_not_outlive_it() -> None:
    """It was an adjustment; now the version of the order tells whether it is cancelled."""
    old = adjustment("cancel", "cancel")
    assert net_of(order(), [old]).cancelled
    assert net_of(order(version=2, cancelled=False), [old]) == Net("EUR", 4990)
    by_key = adjustment("cancel", "cancel", source="secret")
    assert net_of(order(version=2, cancelled=False), [by_key]).cancelled


def test_an_order_that_is_given_back_whole_is_not_kept() -> None:
    halves = [
        adjustment("refund", "a", amount_minor=2500, after=days(1)),
        adjustment("refund", "b", amount_minor=2490, after=days(2)),
    ]
    assert net_of(order(net_minor=4990), halves[:1]).is_kept
    assert net_of(order(net_minor=4990), halves) == Net("EUR", 0, refunded=True)
    postage = adjustment("refund", "c", amount_minor=0)
    assert net_of(order(net_minor=0), [postage]) == Net("EUR", 0)


def test_what_is_taken_beyond_the_rest_is_named() -> None:
    first = adjustment("refund", "a", amount_minor=3000, after=days(1))
    second = adjustment("refund", "b", amount_minor=3000, after=days(2))
    net = net_of(order(net_minor=5000), [first, second])
    assert (net.net_minor, net.above_rest) == (-1000, (second.event_id,))
    capped = adjustment("refund", "b", amount_minor=3000, capped=True, after=days(2))
    net = net_of(order(net_minor=5000), [first, capped])
    assert (net.net_minor, net.above_rest) == (0, (capped.event_id,))
    # A dispute is of all that was paid, with tax and postage.
    dispute = adjustment("chargeback", "d", amount_minor=9000, capped=True, after=days(3))
    assert net_of(order(net_minor=5000), [dispute]) == Net("EUR", 0, cancelled=True, refunded=True)


def test_the_newest_version_of_an_adjustment_counts() -> None:
    made = adjustment("refund", amount_minor=2000, version=2)
    failed = adjustment("refund", amount_minor=0, version=3)
    again = adjustment("refund", amount_minor=1500, version=5)
    for arrival in permutations((made, failed, again)):
        assert net_of(order(net_minor=5000), arrival).net_minor == 3500
    assert net_of(order(net_minor=5000), [made, failed]).net_minor == 5000
    dispute = adjustment("chargeback", "d", amount_minor=5000, capped=True, version=1)
    won = adjustment("chargeback", "d", amount_minor=0, capped=True, version=3)
    assert not net_of(order(net_minor=5000), [dispute]).is_kept
    assert net_of(order(net_minor=5000), [won, dispute]) == Net("EUR", 5000)


def test_refunds_count_from_the_source_whose_order_counts() -> None:
    by_shop = adjustment("refund", "900", amount_minor=1000)
    by_key = adjustment("refund", "r1", amount_minor=1000, source="secret")
    by_bank = adjustment("refund", "r2", amount_minor=1000, source_id="the bank")
    for arrival in permutations((by_shop, by_key, by_bank)):
        net = net_of(order(net_minor=5000), arrival)
        assert net.net_minor == 4000
        assert set(net.told_elsewhere) == {by_key.event_id, by_bank.event_id}
    alone = net_of(order(net_minor=5000), [by_key])
    assert (alone.net_minor, alone.told_elsewhere) == (4000, ())
    chargeback = adjustment("chargeback", "c", amount_minor=500, source="secret")
    assert net_of(order(net_minor=5000), [by_shop, chargeback]).net_minor == 3500


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
    assert not net_of(lead("l1"), [adjustment("cancel", of=key)]).is_kept
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


def test_versions_of_one_clock_go_by_their_tie_break_and_never_by_their_id() -> None:
    """Shopify's create of 100.00 and update to 120.00 in one second: 120.00 always."""
    for number in range(20):
        created = order(str(number), net_minor=10_000, tie_break=(5, 0, 2))
        updated = order(str(number), net_minor=12_000, tie_break=(5, 2, 2), source_id="shop")
        paid = order(str(number), net_minor=11_000, tie_break=(5, 1, 2))
        old = order(str(number), net_minor=13_000)
        for arrival in permutations((created, paid, updated, old)):
            assert counted(arrival).net_minor == 12_000
        triggered_later = order(str(number), net_minor=10_000, tie_break=(6, 0, 2))
        assert counted((updated, triggered_later)).net_minor == 10_000


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


def test_a_test_order_never_counts() -> None:
    test = order("1001", customer("ann"), net_minor=4990, test=True)
    later = order("1002", customer("ann"), ago=days(-1))
    decisions = decide_scope(scope(test, later), CatalogFacts())
    decision = decisions[conversion_key()]
    assert decision.status is Status.TEST
    assert (decision.net_minor, decision.units, decision.credits) == (0, 0, ())
    assert decisions[conversion_key("1002")].new_customer is True


@pytest.mark.parametrize(
    ("version", "adjustments", "ignored", "counted_units"),
    [
        (order(net_minor=4990), [], 1_000_000, 1_000_000),
        (order(net_minor=0), [], 0, 1_000_000),
        (order(net_minor=4990), [adjustment("edit", net_after_minor=0)], 0, 1_000_000),
        (order(net_minor=4990), [adjustment("refund", amount_minor=4990)], 0, 0),
        (order(net_minor=4990), [adjustment("refund", amount_minor=4980)], 1_000_000, 1_000_000),
        (order(net_minor=4990), [adjustment("chargeback")], 0, 0),
        (order(net_minor=4990), [adjustment("cancel")], 0, 0),
        (order(net_minor=0), [adjustment("cancel")], 0, 0),
        (order(net_minor=4990, cancelled=True), [], 0, 0),
        (lead("1001"), [], 1_000_000, 1_000_000),
    ],
)
def test_what_counts_as_a_conversion(
    version: ConversionVersion, adjustments: list[Adjustment], ignored: int, counted_units: int
) -> None:
    """A sale of nothing is no conversion unless the policy says so; each was placed once."""
    evidence = scope(version, *adjustments)
    for setting, units in (("ignore", ignored), ("count", counted_units)):
        rules = policy(zero_value_orders=ZeroValueOrders(setting))
        decision = decide_scope(evidence, facts(rules))[version.key]
        assert decision.units == units
        assert {credit.units for credit in decision.credits} == {units}
        assert {credit.placed_units for credit in decision.credits} == {1_000_000}


def test_the_shop_s_count_of_orders_tells_who_is_new_beside_our_history() -> None:
    def is_new(*evidence: ConversionVersion) -> bool | None:
        return decide_scope(scope(*evidence), CatalogFacts())[conversion_key()].new_customer

    ann = customer("ann")
    assert is_new(order("1001", ann)) is True
    assert is_new(order("1001", ann, customer_orders=1)) is True
    assert is_new(order("1001", ann, customer_orders=4)) is False
    assert is_new(order("1001", customer_orders=0)) is True
    # A later delivery of the first order counts the later orders, too.
    first = order("1001", ann, customer_orders=1)
    assert is_new(first, order("1001", ann, version=2, customer_orders=3)) is True
    before = order("1000", ann, ago=days(1))
    assert is_new(before, order("1001", ann, customer_orders=1)) is False
    assert is_new(order("1001", ann, customer_orders=4, new_customer=True)) is True


def test_an_adjustment_waits_for_its_order() -> None:
    cancel = adjustment("cancel")
    assert decide_scope(scope(cancel), CatalogFacts()) == {}
    assert decide_scope(scope(cancel, order()), CatalogFacts())[conversion_key()].units == 0


def test_a_mismatch_is_named_on_the_decision() -> None:
    dollars = adjustment("refund", amount_minor=1000, currency="USD", after=minutes(5))
    decision = decide_scope(scope(order(), dollars), CatalogFacts())[conversion_key()]
    assert decision.mismatched == (ident("event", "purchase/1001/a1"),)
