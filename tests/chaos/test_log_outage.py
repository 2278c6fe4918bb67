"""The log refuses, hangs or flaps, and tracking is killed and started meanwhile.

Redirects and 2xx answers go on, and everything is credited afterwards.
"""

import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import httpx
import pytest

from deploy.kafka.server import KafkaServer
from tests.chaos.deployment import Deployment
from tests.chaos.workspace_checks import assert_consistent
from tests.e2e.shop import (
    Shop,
    assert_counted_once,
    assert_sequences_whole,
    selling,
    wait_for_revenue,
    wait_for_sales,
)

pytestmark = pytest.mark.xdist_group("e2e")

SHORT_SECONDS: Final = 8.0
LONG_SECONDS: Final = 180.0
FLAP_SECONDS: Final = 3.0
# A request that waits for the log would take 4 s, the client's time-out.
LATENCY_SECONDS_MAX: Final = 1.0
LATENCY_MEDIAN_SECONDS_MAX: Final = 0.1
PROBE_PAUSE_SECONDS: Final = 0.02
BACK_SECONDS_MAX: Final = 30


@contextmanager
def refusing(broker: KafkaServer) -> Iterator[None]:
    """Stop the broker: connections are refused."""
    broker.kill()
    yield
    broker.start()


@contextmanager
def hanging(broker: KafkaServer) -> Iterator[None]:
    """Pause the broker: connections stay open without an answer."""
    broker.pause()
    yield
    broker.resume()


@contextmanager
def flapping(broker: KafkaServer) -> Iterator[None]:
    """Pause and resume the broker every few seconds."""
    stop = threading.Event()

    def flap() -> None:
        while not stop.is_set():
            broker.pause()
            stop.wait(FLAP_SECONDS)
            broker.resume()
            stop.wait(FLAP_SECONDS)

    thread = threading.Thread(target=flap)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


OUTAGES: Final = {"refuses": refusing, "hangs": hanging, "flaps": flapping}


def redirect_seconds(shop: Shop, seconds: float) -> list[float]:
    """Return the time of each redirect during `seconds`. Every answer must be a redirect."""
    taken: list[float] = []
    deadline = time.monotonic() + seconds
    with httpx.Client(base_url=shop.brand.laurel.url("tracking"), timeout=10) as client:
        while time.monotonic() < deadline:
            began = time.monotonic()
            # A preview is redirected and not counted, so only the shop's own clicks count.
            answer = client.get(
                f"/{shop.link['code']}", headers={"User-Agent": "Slackbot-LinkExpanding 1.0"}
            )
            taken.append(time.monotonic() - began)
            assert answer.status_code == 302, answer.text
            time.sleep(PROBE_PAUSE_SECONDS)
    return taken


def endure(deployment: Deployment, shop: Shop, outage: str, seconds: float) -> None:
    """Sell during an outage and kill tracking in the middle of it."""
    assert deployment.broker is not None
    # A graceful stop writes the snapshot; tracking starts from it when the log is unavailable.
    deployment.restart_gracefully("tracking")
    deployment.restore(shop.brand.key)
    refused_before = shop.refusals
    with selling(shop):
        with OUTAGES[outage](deployment.broker):
            taken = redirect_seconds(shop, seconds / 2)
            sold = len(shop.sold)
            assert shop.refusals == refused_before, "a conversion had to wait for the log"
            deployment.kill_service("tracking")
            deployment.start_service("tracking")
            # The sale after the one in progress: tracking runs again, with its snapshot only.
            wait_for_sales(shop, 2, seconds=BACK_SECONDS_MAX)
            taken += redirect_seconds(shop, seconds / 2)
            assert len(shop.sold) > sold, "nothing was sold after tracking came back without log"
        deployment.restore(shop.brand.key)
    assert statistics.median(taken) < LATENCY_MEDIAN_SECONDS_MAX
    assert statistics.quantiles(taken, n=100)[-1] < LATENCY_SECONDS_MAX


@pytest.mark.timeout(600)
@pytest.mark.parametrize("outage", sorted(OUTAGES))
def test_a_log_outage_delays_no_request(deployment: Deployment, shop: Shop, outage: str) -> None:
    endure(deployment, shop, outage, SHORT_SECONDS)
    assert_all_credited(deployment, shop)


@pytest.mark.slow
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("outage", sorted(OUTAGES))
def test_a_long_log_outage_delays_no_request(
    deployment: Deployment, shop: Shop, outage: str, record_property: Callable[[str, object], None]
) -> None:
    endure(deployment, shop, outage, LONG_SECONDS)
    record_property("orders", len(shop.sold))
    assert_all_credited(deployment, shop)


def assert_all_credited(deployment: Deployment, shop: Shop) -> None:
    wait_for_revenue(shop)
    assert_counted_once(shop, groups_lost_max=1)
    assert_sequences_whole(deployment.postgres.owner_url, shop)
    assert_consistent(shop)
