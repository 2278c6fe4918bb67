"""Durable intake of conversions and Shopify webhooks, answered after their fsync.

Promise: 64 clients, one process on one core, the journal on the disk of the machine, a real Kafka.
The limit is a bare FastAPI app with one route and the same pydantic model: no key, no journal.
What can go wrong: slow fsyncs of the disk slow the answers, so the time of one fsync is reported.
"""

import os
import time
from functools import partial
from pathlib import Path
from typing import Final

from tests.bench.child_processes import Processes, scratch
from tests.bench.comparison import Spread, interleave
from tests.bench.performance_page import Section
from tests.bench.pinned_kafka import kafka
from tests.bench.scale import Scale
from tests.bench.server_load import lines_of, notes_of, start_bare, tracking_server
from tests.bench.tracking_process import BenchBrand, start_tracking
from tests.bench.wrk import SLEEPS, ensure_wrk, write_requests

GOAL: Final = 0.6
CONVERSIONS: Final = "POST /v1/conversions"
WEBHOOKS: Final = "POST /webhooks/shopify"
REQUESTS_A_SECOND: Final = 1_000
FSYNCS: Final = 200


def measure(scale: Scale) -> Section:
    """Run the whole item."""
    ensure_wrk()
    with scratch() as folder, Processes(folder) as processes, kafka(folder) as bootstrap:
        brand = BenchBrand(1_000)
        data = folder / "tracking"
        data.mkdir()
        brand.write_snapshot(data)
        child, port, _ = start_tracking(processes, "served", data, f"kafka://{bootstrap}")
        served, bare = tracking_server(child, port), start_bare(processes, "intake")
        claims = write_requests(folder / "claims", brand.conversions())
        deliveries = write_requests(folder / "deliveries", brand.webhooks())
        fsync_before = fsync_ms(folder)
        rounds = interleave(
            partial(bare.measure, claims, rate=REQUESTS_A_SECOND, seconds=scale.seconds),
            {
                CONVERSIONS: partial(
                    served.measure, claims, rate=REQUESTS_A_SECOND, seconds=scale.seconds
                ),
                WEBHOOKS: partial(
                    served.measure, deliveries, rate=REQUESTS_A_SECOND, seconds=scale.seconds
                ),
            },
            scale.rounds,
            scale.tell,
        )
        fsync_after = fsync_ms(folder)
    found = [one for rounds_of_one in rounds.values() for one in rounds_of_one]
    return Section(
        "intake",
        "Durable intake",
        [
            *lines_of(CONVERSIONS, rounds[CONVERSIONS], GOAL, None),
            *lines_of(WEBHOOKS, rounds[WEBHOOKS], None, None),
        ],
        (
            "Every answer that counts is 202 or 200 after its fsync.",
            notes_of(found, REQUESTS_A_SECOND),
            SLEEPS,
            f"An fsync of 4 KiB on this disk takes {fsync_before:.2f} ms before the run"
            f" and {fsync_after:.2f} ms after it (median).",
            "The limit is a bare FastAPI app under stock uvicorn with uvloop and httptools:"
            " one route, the same pydantic model, no key, no journal.",
        ),
    )


def fsync_ms(folder: Path) -> float:
    """Return the milliseconds of one appended page and its fsync on this disk."""
    path = folder / "fsync"
    times = []
    with path.open("ab", buffering=0) as file:
        for _ in range(FSYNCS):
            began = time.perf_counter()
            file.write(bytes(4096))
            os.fsync(file.fileno())
            times.append((time.perf_counter() - began) * 1e3)
    path.unlink()
    return Spread.of(times).median
