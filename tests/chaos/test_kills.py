"""kill -9 of the services, Postgres and the broker at seeded moments while a shop sells.

Nothing is lost or counted twice, and the ledger is that of a run without kills. Kills come in
bursts; after each burst, everything sold so far must be in the answer while the shop goes on.
"""

import os
import random
import time
from collections.abc import Callable, Iterator
from typing import Final

import pytest

from tests.chaos.conftest import SEED, running_deployment
from tests.chaos.deployment import Deployment
from tests.chaos.workspace_checks import assert_consistent, new_brand
from tests.e2e.installation import Brand
from tests.e2e.shop import (
    Shop,
    assert_counted_once,
    assert_sequences_whole,
    net_ledger,
    same_ledger,
    sell_again_without_outage,
    selling,
    wait_for_revenue,
    wait_until_caught_up,
)

pytestmark = pytest.mark.xdist_group("e2e")

KILL_PAUSE_SECONDS: Final = 1.2
KILLS: Final = int(os.environ.get("KILLS", "200"))
SHORT: Final = {"tracking": 2, "attribution": 1, "roi": 1, "postgres": 1, "broker": 1}
# A killed member blocks its group for a session of 10 s, and a broker needs as long to start. With
# more of these kills the services would be idle.
BURST: Final = {"tracking": 8, "attribution": 4, "roi": 3, "postgres": 3, "broker": 2}
BURST_WITHOUT_BROKER: Final = {"tracking": 6, "attribution": 6, "roi": 4, "postgres": 4}

Say = Callable[[str], None]


def bursts(weights: dict[str, int], kills: int, chance: random.Random) -> Iterator[list[str]]:
    """Yield bursts of victims, in random order."""
    while kills > 0:
        burst = [victim for victim, count in weights.items() for _ in range(count)]
        chance.shuffle(burst)
        yield burst[:kills]
        kills -= len(burst)


def kill_while_selling(
    deployment: Deployment, shop: Shop, weights: dict[str, int], kills: int
) -> None:
    """Kill in bursts while the shop sells. Return when all services run and all is credited."""
    chance = random.Random(SEED + 1)
    for burst in bursts(weights, kills, chance):
        with selling(shop):
            for victim in burst:
                time.sleep(KILL_PAUSE_SECONDS * (0.5 + chance.random()))
                deployment.kill(victim)
            deployment.restore(shop.brand.key)
            wait_until_caught_up(shop)
    wait_for_revenue(shop)


def assert_as_a_clean_run(deployment: Deployment, shop: Shop, kills: int) -> None:
    """Check the ledger, row by row, against the same orders sold without kills."""
    assert_counted_once(shop, groups_lost_max=kills)
    clean = sell_again_without_outage(new_brand(deployment), shop, SEED)
    url = deployment.postgres.owner_url
    same_ledger(net_ledger(url, shop), net_ledger(url, clean))
    assert_sequences_whole(url, shop)
    assert_consistent(shop)
    deployment.assert_no_service_ended()


@pytest.mark.timeout(600)
def test_killing_everything_under_traffic_on_kafka(deployment: Deployment, shop: Shop) -> None:
    kills = sum(SHORT.values())
    kill_while_selling(deployment, shop, SHORT, kills)
    assert_as_a_clean_run(deployment, shop, kills)


@pytest.mark.slow
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("log", ["kafka", "postgres"])
def test_killing_everything_for_long(log: str, capsys: pytest.CaptureFixture[str]) -> None:
    def say(line: str) -> None:
        with capsys.disabled():
            print(f"\n{line}", flush=True)  # noqa: T201 - a long test prints its replay command

    say(f"replay: SEED={SEED} KILLS={KILLS} python -m pytest -m slow -n 0 {__file__} -k {log}")
    weights = BURST if log == "kafka" else BURST_WITHOUT_BROKER
    with running_deployment(on_kafka=log == "kafka") as deployment:
        shop = Shop(Brand(deployment.laurel), SEED)
        began = time.monotonic()
        kill_while_selling(deployment, shop, weights, KILLS)
        seconds = time.monotonic() - began
        say(
            f"{log}: {deployment.kills.total()} kills in {seconds:.0f} s"
            f" {dict(sorted(deployment.kills.items()))}, {len(shop.sold)} orders,"
            f" {shop.clicks_answered} clicks, {shop.refusals} refusals"
        )
        assert deployment.kills.total() == KILLS
        assert_as_a_clean_run(deployment, shop, KILLS)
