"""Overload: four times more callers at once than a process takes, against as many as it takes.

Promise: callers that are refused come back at once, which is the worst they can do; only accepted answers are timed. What can go wrong:
an answer that is neither 202 nor a 503 with Retry-After fails the item.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from shared.http.middleware import IN_FLIGHT_MAX
from tests.bench.compare import interleave, limits, ratios, subjects
from tests.bench.edge import EdgeBrand, start_tracking
from tests.bench.logs import nowhere
from tests.bench.page import Line, Section
from tests.bench.processes import BenchFailed, Processes, scratch
from tests.bench.scale import Scale
from tests.bench.wrk import POLLS, drive, ensure_wrk, told, write_requests

SCRIPT: Final = Path(__file__).with_name("overload.lua")
GOAL: Final = 2.0
TIMES: Final = 4


@dataclass(frozen=True, slots=True)
class Crowd:
    """What one run measured."""

    accepted: int
    refused: int
    p50_ms: float


def measure(scale: Scale) -> Section:
    """Run the whole item."""
    ensure_wrk()
    with scratch() as folder, Processes(folder) as processes:
        brand = EdgeBrand(1_000)
        data = folder / "tracking"
        data.mkdir()
        brand.write_snapshot(data)
        _, port, _ = start_tracking(processes, "served", data, nowhere())
        claims = write_requests(folder / "claims", brand.conversions())
        crowd = partial(_crowd, port, claims, seconds=scale.seconds)
        rounds = interleave(
            partial(crowd, IN_FLIGHT_MAX),
            {"overload": partial(crowd, TIMES * IN_FLIGHT_MAX)},
            scale.rounds,
            scale.tell,
        )["overload"]
    waits = ratios(rounds, lambda one: one.p50_ms)
    shed = subjects(rounds, lambda one: 100 * one.refused / max(1, one.refused + one.accepted))
    return Section(
        "overload",
        "Overload",
        [
            Line(
                f"{TIMES} × {IN_FLIGHT_MAX} callers at once: p50 of accepted conversions {subjects(rounds, lambda one: one.p50_ms).text(0, ' ms')}",
                f"{waits.text()} ×",
                limits(rounds, lambda one: one.p50_ms).text(0, " ms"),
                f"≤ {GOAL:g} ×",
                waits.median <= GOAL,
            ),
            Line("refused with Retry-After", shed.text(0, " %")),
        ],
        (
            f"The limit is the same process under {IN_FLIGHT_MAX} callers, as many as it takes at once.",
            POLLS,
            "Whoever is refused asks again as soon as he hears it and does not wait for Retry-After.",
        ),
    )


def _crowd(port: int, requests: Path, connections: int, *, seconds: float) -> Crowd:
    output = drive(SCRIPT, port, requests, connections=connections, seconds=seconds)
    accepted, refused, p50_us, others, broken = map(int, told(output, "OVERLOAD"))
    if others or broken or not accepted:
        raise BenchFailed(f"{accepted} accepted, {others} strange answers, {broken} broken")
    return Crowd(accepted, refused, p50_us / 1e3)
