"""Overload: four times the admission limit of concurrent callers, beside callers at the limit.

Promise: a refused caller sends again at once and ignores Retry-After, which is the worst case.
There is no goal; the cost is reported.
What can go wrong: an answer that is neither 202 nor a 503 with Retry-After fails the item.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from shared.http.middleware import IN_FLIGHT_MAX
from tests.bench.child_processes import BenchFailed, Processes, scratch
from tests.bench.comparison import Round, interleave, limits, ratios, subjects
from tests.bench.performance_page import Line, Section
from tests.bench.pinned_kafka import nowhere
from tests.bench.scale import Scale
from tests.bench.tracking_process import BenchBrand, start_tracking
from tests.bench.wrk import SLEEPS, drive, ensure_wrk, told, write_requests

SCRIPT: Final = Path(__file__).with_name("overload.lua")
TIMES: Final = 4
CROWD: Final = f"{TIMES} × {IN_FLIGHT_MAX} callers at once"
NOTES: Final = (
    f"The limit is the same process under {IN_FLIGHT_MAX} callers, its admission limit.",
    SLEEPS,
    "A refused caller sends again at once and does not wait for Retry-After.",
)


@dataclass(frozen=True, slots=True)
class Crowd:
    """The result of one run."""

    accepted: int
    refused: int
    p50_ms: float
    refused_p50_ms: float


def measure(scale: Scale) -> Section:
    """Run the whole item."""
    ensure_wrk()
    with scratch() as folder, Processes(folder) as processes:
        brand = BenchBrand(1_000)
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
    return Section("overload", "Overload", _lines(rounds), NOTES)


def _lines(rounds: list[Round[Crowd]]) -> list[Line]:
    taken = ratios(rounds, lambda one: one.accepted)
    waits = ratios(rounds, lambda one: one.p50_ms)
    shed = subjects(rounds, lambda one: 100 * one.refused / (one.refused + one.accepted))
    return [
        Line(
            f"{CROWD}: conversions accepted",
            f"{taken.text()} ×",
            limits(rounds, lambda one: one.accepted).text(0),
        ),
        Line(
            f"{CROWD}: p50 of an accepted one"
            f" {subjects(rounds, lambda one: one.p50_ms).text(0, ' ms')}",
            f"{waits.text()} ×",
            limits(rounds, lambda one: one.p50_ms).text(0, " ms"),
        ),
        Line(
            f"{CROWD}: refused with Retry-After, and their p50",
            f"{shed.text(0, ' %')},"
            f" {subjects(rounds, lambda one: one.refused_p50_ms).text(0, ' ms')}",
        ),
    ]


def _crowd(port: int, requests: Path, connections: int, *, seconds: float) -> Crowd:
    output = drive(SCRIPT, port, requests, connections=connections, seconds=seconds)
    accepted, refused, p50_us, refused_us, others, broken = map(int, told(output, "OVERLOAD"))
    if others or broken or not accepted:
        raise BenchFailed(f"{accepted} accepted, {others} strange answers, {broken} broken")
    return Crowd(accepted, refused, p50_us / 1e3, refused_us / 1e3)
