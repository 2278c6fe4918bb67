"""One server under two loads: throughput in a closed loop, then delays at a fixed rate.

Promise: a subject and its limit get the same requests, connections and rate. Each is idle when the
other is measured, because they share a core.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx

from tests.bench.child_processes import (
    SERVER_CORE,
    Child,
    Processes,
    free_port,
    wait_until,
    wait_until_answers,
)
from tests.bench.comparison import Round, Spread, limits, ratios, subjects
from tests.bench.fixed_rate import Delays, delays_at
from tests.bench.performance_page import Line
from tests.bench.wrk import Load, run

CONNECTIONS: Final = 64


@dataclass(frozen=True, slots=True)
class Served:
    """The results of one server under both loads."""

    load: Load
    delays: Delays


@dataclass(frozen=True, slots=True)
class Server:
    """A running server; `settle` waits until it has no work left."""

    child: Child
    port: int
    settle: Callable[[], None] = field(default=lambda: None)

    def measure(self, requests: Path, *, rate: int, seconds: float) -> Served:
        """Run both loads, and wait after each until the server is idle."""
        load = run(self.child, self.port, requests, connections=CONNECTIONS, seconds=seconds)
        self.settle()
        delays = delays_at(self.port, requests, rate=rate, seconds=seconds)
        self.settle()
        return Served(load, delays)


def start_bare(processes: Processes, app: str) -> Server:
    """Start a limit of `tests.bench.bare_servers`, and wait until it is ready."""
    port = free_port()
    child = processes.python(
        f"bare-{app}", "tests.bench.bare_servers", app, str(port), core=SERVER_CORE
    )
    status = 302 if app == "redirect" else 404
    wait_until_answers(f"http://127.0.0.1:{port}/", child, status)
    return Server(child, port)


def tracking_server(child: Child, port: int) -> Server:
    """Return the server of a tracking process; it is idle when its relay has sent every record."""
    return Server(
        child,
        port,
        lambda: _wait_for_relay(port, child),
    )


def _wait_for_relay(port: int, child: Child) -> None:
    wait_until(lambda: metric(port, "laurel_journal_records") == 0, "the relay", child)


def metric(port: int, name: str, label: str = "") -> float:
    """Return the sum of a metric over the lines with a label."""
    text = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=30).text
    lines = [line for line in text.splitlines() if line.startswith(name) and label in line]
    return sum(float(line.rpartition(" ")[2]) for line in lines)


def lines_of(
    name: str, rounds: list[Round[Served]], rate_goal: float | None, tail_goal: float | None
) -> list[Line]:
    """Return the lines of a subject: throughput, p99 at the fixed rate, and processor time."""
    rate = ratios(rounds, lambda one: one.load.per_second)
    tail = ratios(rounds, lambda one: one.delays.p99_ms)
    cost = Spread.of([one.ratio(lambda each: each.load.server_cpu_us) for one in rounds])
    return [
        Line(
            f"{name}: requests/s {subjects(rounds, lambda one: one.load.per_second).text(0, '/s')}",
            f"{rate.text()} ×",
            limits(rounds, lambda one: one.load.per_second).text(0, "/s"),
            "" if rate_goal is None else f"≥ {rate_goal} ×",
            None if rate_goal is None else rate.median >= rate_goal,
        ),
        Line(
            f"{name}: p99 {subjects(rounds, lambda one: one.delays.p99_ms).text(2, ' ms')}",
            f"{tail.text()} ×",
            limits(rounds, lambda one: one.delays.p99_ms).text(2, " ms"),
            "" if tail_goal is None else f"≤ {tail_goal:g} ×",
            None if tail_goal is None else tail.median <= tail_goal,
        ),
        Line(
            f"{name}: processor time a request"
            f" {subjects(rounds, lambda one: one.load.server_cpu_us).text(1, ' µs')}",
            f"{cost.text()} ×",
            limits(rounds, lambda one: one.load.server_cpu_us).text(1, " µs"),
        ),
    ]


def notes_of(rounds: list[Round[Served]], rate: int) -> str:
    """Return how the delays were measured, and how late the load was."""
    late = max(
        served.delays.load_late_p99_ms
        for one in rounds
        for served in (one.before, one.subject, one.after)
    )
    return (
        f"Throughput: wrk with {CONNECTIONS} connections. Delays: {rate:,} requests/s evenly,"
        " counted from the time at which each was due;"
        f" the load was at most {late:.2f} ms late (p99)."
    )
