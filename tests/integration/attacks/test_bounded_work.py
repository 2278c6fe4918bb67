"""One brand asks for too much work or has a damaged record: another brand is credited all the same.

The large requests are those that stopped all crediting, with the counts of issue 9. Afterwards the
attacked brand is credited, too. Over HTTP elsewhere: a refused request that keeps redirects waiting
(`tests/integration/tracking/test_hostile_sizes.py`), and an answer that is too large
(`tests/integration/test_answer_sizes.py`).
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import pytest

from services.tracking.wire.event_batch import EVENTS_MAX
from shared.clock import SystemClock
from shared.credits import CreditEntry, DecisionCredited, encode_credits
from shared.ids import new_id
from shared.log.port import Record
from shared.log.postgres import PostgresLog
from shared.log.topics import CREDITS
from tests.e2e.installation import Installation, Json, eventually
from tests.factories import NOON
from tests.integration.attacks.brand_under_attack import (
    NET_MINOR,
    BrandUnderAttack,
    ago,
    new_order_id,
)

pytestmark = pytest.mark.xdist_group("installation")

ORDER: Final = "1001"
LATER: Final = "1002"
CLICK_REQUESTS: Final = 20
TERMINAL_ORDERS: Final = 60
TIE_REQUESTS: Final = 2
VISITS: Final = 120


Damage = Callable[[str, int], bytes]


@pytest.fixture
def attacked(installation: Installation) -> BrandUnderAttack:
    return BrandUnderAttack.open(installation)


@pytest.fixture(scope="module")
def other(installation: Installation) -> BrandUnderAttack:
    """The brand that nobody attacks."""
    return BrandUnderAttack.open(installation)


def assert_both_are_credited(attacked: BrandUnderAttack, other: BrandUnderAttack) -> None:
    """Assert that a new order of each brand is credited, the other brand's first."""
    order_id = new_order_id()
    other.sell(order_id)
    other.await_credit(order_id, other.mia)
    attacked.sell(LATER)
    attacked.await_credit(LATER, attacked.mia)


def test_10000_clicks_and_500_claims_of_one_visitor(
    attacked: BrandUnderAttack, other: BrandUnderAttack
) -> None:
    """21 public requests."""
    attacked.sell(ORDER)
    person = attacked.visit(attacked.tom_code).keys
    click = {"type": "clicked", "link": attacked.tom_code, "occurred_at": ago(0)}
    for request in range(CLICK_REQUESTS):
        names = [f"{request}-{n}" for n in range(EVENTS_MAX)]
        attacked.touch(
            [
                {**click, "event_id": n, "person": {"visitor_id": person["visitor_id"]}}
                for n in names
            ]
        )
    money = {"net": "0.01", "currency": "EUR", "occurred_at": ago(0)}
    claims = [
        {"type": "ordered", "order_id": f"77{n}", "person": person, **money}
        for n in range(EVENTS_MAX - 1)
    ]
    attacked.touch([*claims, {"type": "ordered", "order_id": ORDER, "person": person, **money}])
    assert_both_are_credited(attacked, other)
    attacked.assert_mia_earned(ORDER, LATER)


def test_10000_clicks_and_60_orders_of_one_terminal(
    attacked: BrandUnderAttack, other: BrandUnderAttack
) -> None:
    """A large honest brand: what its secret key tells is trusted and decides."""
    click = {"type": "clicked", "link": attacked.tom_code, "occurred_at": ago(1)}
    person = {"visitor_id": "terminal-1"}
    for _ in range(CLICK_REQUESTS):
        attacked.report([{**click, "person": person}] * EVENTS_MAX)
    order = {"type": "ordered", "net": "5.00", "currency": "EUR", "occurred_at": ago(0)}
    attacked.report(
        [{**order, "order_id": f"77{n}", "person": person} for n in range(TERMINAL_ORDERS)]
    )
    assert_both_are_credited(attacked, other)
    assert attacked.credited_to("770") == {attacked.tom: 500}


def test_a_chain_of_ties(attacked: BrandUnderAttack, other: BrandUnderAttack) -> None:
    """Each key has two neighbours: visitors and customers, then visitors and click ids."""
    attacked.sell(ORDER)
    told = {"type": "identified", "occurred_at": ago(0)}
    pairs = [
        {"visitor_id": f"v-{n // 2}", "customer_id": f"c-{(n + 1) // 2}"}
        for n in range(TIE_REQUESTS * EVENTS_MAX)
    ]
    for start in range(0, len(pairs), EVENTS_MAX):
        attacked.report([{**told, "person": pair} for pair in pairs[start : start + EVENTS_MAX]])
    visits = [attacked.visit(attacked.tom_code) for _ in range(VISITS)]
    links = [
        {"visitor_id": visits[n - later].visitor_id, "click_id": visits[n].click_id}
        for n in range(1, VISITS)
        for later in (0, 1)
    ]
    attacked.touch([{**told, "person": link} for link in links])
    for pair in pairs[:: len(pairs) // 10]:
        attacked.report([{**told, "person": pair}])
    assert_both_are_credited(attacked, other)
    attacked.assert_mia_earned(ORDER, LATER)


def undecodable(workspace_id: str, sequence: int) -> bytes:
    return overflowing(workspace_id, sequence).replace(b'"entries":[', b'"entries":[7,')


def overflowing(workspace_id: str, sequence: int) -> bytes:
    """Return a record whose amount no column holds."""
    entry = CreditEntry(
        model="last",
        revision=1,
        account="organic",
        amount_minor=2**63,
        units=1_000_000,
        currency="EUR",
        stage="purchase",
    )
    return encode_credits(
        DecisionCredited(
            workspace_id=workspace_id,
            sequence=sequence,
            recorded_at=NOON,
            decision_id=new_id(),
            revision=1,
            conversion_id=new_id(),
            kind="purchase",
            natural_id="9",
            occurred_at=NOON,
            currency="EUR",
            person_ref=new_id(),
            entries=(entry,),
        )
    )


async def _append(installation: Installation, workspace_id: str, value: bytes) -> None:
    log = PostgresLog(installation.extra["LAUREL_DATABASE_URL"], SystemClock())
    await log.open()
    try:
        await log.append(CREDITS, [Record(workspace_id.encode(), value)])
    finally:
        await log.close()


@pytest.mark.parametrize("damage", [undecodable, overflowing])
def test_a_damaged_credits_record_stops_one_workspace_alone(
    installation: Installation, attacked: BrandUnderAttack, other: BrandUnderAttack, damage: Damage
) -> None:
    attacked.sell(ORDER)
    attacked.await_credit(ORDER, attacked.mia)
    attacked.assert_mia_earned(ORDER)
    workspace_id = attacked.roi.get("/v1/workspace").json()["id"]
    newest = attacked.attribution.get("/v1/ledger/balance").json()["sequence"]
    record = damage(workspace_id, newest + 1)
    with ThreadPoolExecutor(1) as pool:
        # In a thread, because a test may already run a loop in this one.
        pool.submit(asyncio.run, _append(installation, workspace_id, record)).result()

    def stopped() -> Json | None:
        warnings = attacked.roi_answer()["meta"]["warnings"]
        return next((warning for warning in warnings if warning["id"] == "stopped"), None)

    warning = eventually(stopped, what="the answer says that the workspace stands still")
    assert f"credits record {newest + 1} cannot be used" in warning["sentence"]
    order_id = new_order_id()
    before = total(other)
    other.sell(order_id)
    other.await_credit(order_id, other.mia)
    eventually(lambda: total(other) == before + NET_MINOR or None, what="the other brand goes on")
    assert "stopped" not in {item["id"] for item in other.roi_answer()["meta"]["warnings"]}


def total(brand: BrandUnderAttack) -> int:
    """Return the net revenue in the answer, in minor units."""
    revenue = brand.roi_answer()["totals"]["net_revenue"]
    return revenue["amount_minor"] if revenue else 0
