"""A consumer that resumes after its session expired, and rebalances in the middle of a batch.

The ledger stays the same.
"""

import asyncio
import signal
import time
from typing import Final

import asyncpg
import pytest

from tests.chaos.conftest import SEED
from tests.chaos.deployment import Deployment
from tests.chaos.workspace_checks import assert_consistent, new_brand
from tests.e2e.shop import (
    Shop,
    assert_counted_once,
    assert_sequences_whole,
    net_ledger,
    same_ledger,
    sell_again_without_outage,
    selling,
    wait_for_revenue,
    wait_for_sales,
    wait_until_caught_up,
)

pytestmark = pytest.mark.xdist_group("e2e")

CATCH_SECONDS_MAX: Final = 60.0
SALES_SECONDS_MAX: Final = 30.0
# The time in which a resumed zombie could do something wrong.
AWAKE_SECONDS: Final = 2.0
BETWEEN_SECONDS: Final = 2.0
IN_A_BATCH: Final = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE application_name = 'laurel-attribution' AND backend_xid IS NOT NULL"
)


def freeze_in_a_batch(deployment: Deployment) -> None:
    """Send SIGSTOP to attribution while one of its transactions has written something.

    If the batch ends between the check and the signal, the process is resumed and tried again.
    """
    zombie = deployment.process("attribution")

    async def catch() -> None:
        connection = await asyncpg.connect(deployment.postgres.owner_url)
        try:
            deadline = time.monotonic() + CATCH_SECONDS_MAX
            while time.monotonic() < deadline:
                if not await connection.fetchval(IN_A_BATCH):
                    continue
                zombie.send_signal(signal.SIGSTOP)
                if await connection.fetchval(IN_A_BATCH):
                    return
                zombie.send_signal(signal.SIGCONT)
        finally:
            await connection.close()
        raise AssertionError(f"no freeze during a batch within {CATCH_SECONDS_MAX} s")

    asyncio.run(catch())


def freeze_and_replace(deployment: Deployment, shop: Shop) -> None:
    """Freeze attribution in a batch, start another process, then resume the first.

    Orders from this time are in the answer only after the session of the zombie has ended and the
    other process has taken its partition.
    """
    wait_until_caught_up(shop)
    freeze_in_a_batch(deployment)
    try:
        deployment.start_second("attribution")
        wait_for_sales(shop, 5, seconds=SALES_SECONDS_MAX)
        wait_until_caught_up(shop)
    finally:
        deployment.process("attribution").send_signal(signal.SIGCONT)
    time.sleep(AWAKE_SECONDS)
    wait_until_caught_up(shop)


def hand_over(deployment: Deployment, shop: Shop, times: int) -> None:
    """Change the group many times: start a second process, restart the first, stop the second."""
    with selling(shop):
        for number in range(times):
            deployment.start_second("attribution")
            time.sleep(BETWEEN_SECONDS)
            deployment.restart_gracefully("attribution")
            time.sleep(BETWEEN_SECONDS)
            sign = signal.SIGKILL if number % 2 else signal.SIGTERM
            deployment.stop_second("attribution", sign=sign)
        deployment.restore(shop.brand.key)
        wait_until_caught_up(shop)
    wait_for_revenue(shop)


def assert_nothing_changed(deployment: Deployment, shop: Shop) -> None:
    """Check that the same orders, sold again without a disturbance, give the same ledger."""
    assert_counted_once(shop)
    clean = sell_again_without_outage(new_brand(deployment), shop, SEED)
    url = deployment.postgres.owner_url
    same_ledger(net_ledger(url, shop), net_ledger(url, clean))
    assert_sequences_whole(url, shop)
    assert_consistent(shop)


@pytest.mark.timeout(600)
def test_a_zombie_consumer_and_a_rebalance_change_nothing(
    deployment: Deployment, shop: Shop
) -> None:
    """Both on the same orders: while both processes run, the resumed one is restarted."""
    with selling(shop):
        freeze_and_replace(deployment, shop)
        deployment.restart_gracefully("attribution")
        wait_until_caught_up(shop)
        deployment.stop_second("attribution")
    wait_for_revenue(shop)
    assert_nothing_changed(deployment, shop)


@pytest.mark.slow
@pytest.mark.timeout(1_800)
def test_many_zombies_change_nothing(deployment: Deployment, shop: Shop) -> None:
    for _ in range(10):
        with selling(shop):
            freeze_and_replace(deployment, shop)
        deployment.stop_second("attribution")
        wait_for_revenue(shop)
    assert_nothing_changed(deployment, shop)


@pytest.mark.slow
@pytest.mark.timeout(1_800)
def test_many_rebalances_change_nothing(deployment: Deployment, shop: Shop) -> None:
    hand_over(deployment, shop, 20)
    assert_nothing_changed(deployment, shop)
