"""Goal 2: conversions and Shopify webhooks answered only when they are fsynced, against the redirect path of the same process.

Promise: 64 clients, one process on one core, the journal on the machine's disk, the relay running to a real Kafka.
What can go wrong: a disk with slow fsyncs is part of the answer: what one fsync costs here is reported beside it.
"""

import os
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Final

from tests.bench.compare import Round, Spread, interleave, limits, ratios, subjects
from tests.bench.edge import EdgeBrand, start_tracking
from tests.bench.logs import kafka
from tests.bench.page import Line, Section
from tests.bench.processes import Child, Processes, scratch, wait_until
from tests.bench.redirect import metric
from tests.bench.scale import Scale
from tests.bench.wrk import POLLS, Load, ensure_wrk, run, write_requests

CLIENTS: Final = 64
GOAL: Final = 0.3
CONVERSIONS: Final = "POST /v1/conversions"
WEBHOOKS: Final = "POST /webhooks/shopify"
FSYNCS: Final = 200


def measure(scale: Scale) -> Section:
    """Run the whole item."""
    ensure_wrk()
    with scratch() as folder, Processes(folder) as processes, kafka(folder) as bootstrap:
        brand = EdgeBrand(1_000)
        data = folder / "tracking"
        data.mkdir()
        brand.write_snapshot(data)
        server, port, _ = start_tracking(processes, "served", data, f"kafka://{bootstrap}")
        loaded = partial(_load, server, port, seconds=scale.seconds)
        visits = write_requests(folder / "visits", brand.visits())
        claims = write_requests(folder / "claims", brand.conversions())
        deliveries = write_requests(folder / "deliveries", brand.webhooks())
        fsync_before = fsync_ms(folder)
        rounds = interleave(
            partial(loaded, visits),
            {CONVERSIONS: partial(loaded, claims), WEBHOOKS: partial(loaded, deliveries)},
            scale.rounds,
            scale.tell,
        )
        fsync_after = fsync_ms(folder)
    return Section(
        "intake",
        "Durable intake",
        _lines(rounds),
        (
            f"{CLIENTS} clients on keep-alive connections; every answer counted is 202 or 200 after its fsync.",
            POLLS,
            f"A fsync of 4 KiB on this disk takes {fsync_before:.2f} ms before and {fsync_after:.2f} ms after the run (median).",
            "The limit is the redirect of the same process under the same load.",
        ),
    )


def _lines(rounds: Mapping[str, list[Round[Load]]]) -> list[Line]:
    lines: list[Line] = []
    for name, found in rounds.items():
        rate = ratios(found, lambda load: load.per_second)
        goal = GOAL if name == CONVERSIONS else None
        lines.append(
            Line(
                f"{name}: requests/s {subjects(found, lambda load: load.per_second).text(0, '/s')}",
                f"{rate.text()} ×",
                limits(found, lambda load: load.per_second).text(0, "/s"),
                "" if goal is None else f"≥ {goal} ×",
                None if goal is None else rate.median >= goal,
            )
        )
        lines.append(
            Line(
                f"{name}: p50 and p99",
                f"{subjects(found, lambda load: load.p50_ms).text(1, ' ms')}, {subjects(found, lambda load: load.p99_ms).text(1, ' ms')}",
                limits(found, lambda load: load.p99_ms).text(1, " ms"),
            )
        )
        cpu = Spread.of([1 / one.ratio(lambda load: load.server_cpu_us) for one in found])
        lines.append(
            Line(
                f"{name}: processor time a request {subjects(found, lambda load: load.server_cpu_us).text(0, ' µs')}",
                f"{cpu.text()} × of its limit's rate",
                limits(found, lambda load: load.server_cpu_us).text(0, " µs"),
            )
        )
    return lines


def _load(server: Child, port: int, requests: Path, *, seconds: float) -> Load:
    """One load, once the relay has moved what the one before left: each pays for its own events."""
    wait_until(partial(_is_drained, port), "the relay", server)
    return run(server, port, requests, connections=CLIENTS, seconds=seconds)


def _is_drained(port: int) -> bool:
    return metric(port, "laurel_journal_records") == 0


def fsync_ms(folder: Path) -> float:
    """What one appended page and its fsync cost on this disk."""
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
