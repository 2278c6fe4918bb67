"""Goal 1: the redirect with its event journaled, on one core, against a bare 302 on the same core.

Promise: before and after each subject the limit answers the same requests. The journal is on disk, the relay runs, and a
real Kafka takes the events; one subject has its log away.
"""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import httpx

from tests.bench.compare import Round, Spread, interleave, limits, ratios, subjects
from tests.bench.edge import EdgeBrand, start_tracking
from tests.bench.logs import kafka, nowhere
from tests.bench.page import Line, Section
from tests.bench.processes import (
    SERVER_CORE,
    Child,
    Processes,
    free_port,
    scratch,
    wait_until,
    wait_until_answers,
)
from tests.bench.scale import Scale
from tests.bench.wrk import POLLS, Load, ensure_wrk, run, write_requests

CONNECTIONS = 64
RATE_GOAL = 0.6
TAIL_GOAL = 3.0
SUSTAINED_GOAL = 0.4
KEPT_UP = 0.99


def measure(scale: Scale) -> Section:
    """Run the whole item."""
    ensure_wrk()
    with scratch() as folder, Processes(folder) as processes, kafka(folder) as bootstrap:
        bare, limit_port = start_bare(processes)
        brands = {_name(count): EdgeBrand(count) for count in scale.links}
        subjects_by_name: dict[str, Callable[[], Load]] = {}
        for name, brand in brands.items():
            scale.tell(f"preparing {name}")
            server = _Server(processes, brand, folder / name.replace(" ", "-"), bootstrap)
            subjects_by_name[name] = partial(server.visit_alone, scale.seconds)
        away = _Server(processes, EdgeBrand(1), folder / "away", None)
        subjects_by_name["log away"] = partial(away.visit_alone, scale.seconds)
        requests = write_requests(folder / "bare.requests", EdgeBrand(1).visits())
        limit = partial(
            run, bare, limit_port, requests, connections=CONNECTIONS, seconds=scale.seconds
        )
        rounds = interleave(limit, subjects_by_name, scale.rounds, scale.tell)
        scale.tell("sustained")
        sustained = _sustain(scale, limit, processes, folder, bootstrap)
    return Section(
        "redirect",
        "Redirect with its event journaled",
        [*_lines(rounds), *sustained],
        (
            f"{CONNECTIONS} connections; server on one core, wrk and the broker on the other; half of the visitors bring a cookie.",
            POLLS,
            "The limit is a bare ASGI app under the same uvicorn, uvloop and httptools that answers a constant 302.",
        ),
    )


class _Server:
    """A tracking process with its requests."""

    def __init__(
        self, processes: Processes, brand: EdgeBrand, folder: Path, bootstrap: str | None
    ) -> None:
        folder.mkdir()
        self.has_log = bootstrap is not None
        brand.write_snapshot(folder)
        log = nowhere() if bootstrap is None else f"kafka://{bootstrap}"
        self.child, self.port, self.ready_seconds = start_tracking(
            processes, folder.name, folder, log
        )
        self.requests = write_requests(folder / "visits.requests", brand.visits())

    def visit_alone(self, seconds: float) -> Load:
        """Load it for a while, and wait until its relay is idle again: it would share the core with what is measured next."""
        load = self.visit(seconds)
        if self.has_log:
            self.wait_until_idle()
        return load

    def wait_until_idle(self) -> None:
        """Until the relay has moved everything."""
        wait_until(
            lambda: metric(self.port, "laurel_journal_records") == 0, "the relay", self.child
        )

    def visit(self, seconds: float) -> Load:
        """Load it for a while."""
        load = run(self.child, self.port, self.requests, connections=CONNECTIONS, seconds=seconds)
        lost = metric(self.port, "laurel_redirects_total", 'outcome="unrecorded"')
        assert lost == 0, f"{lost} visits were not journaled"
        return load


def start_bare(processes: Processes) -> tuple[Child, int]:
    """The limit's server and its port."""
    port = free_port()
    child = processes.python("bare", "tests.bench.bare", str(port), core=SERVER_CORE)
    wait_until_answers(f"http://127.0.0.1:{port}/", child, 302)
    return child, port


def metric(port: int, name: str, label: str = "") -> float:
    """The sum of a metric over the lines that carry a label."""
    text = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=30).text
    lines = [line for line in text.splitlines() if line.startswith(name) and label in line]
    return sum(float(line.rpartition(" ")[2]) for line in lines)


def _lines(rounds: Mapping[str, list[Round[Load]]]) -> list[Line]:
    lines: list[Line] = []
    for name, found in rounds.items():
        rate = ratios(found, lambda load: load.per_second)
        tail = ratios(found, lambda load: load.p99_ms)
        own = subjects(found, lambda load: load.per_second).text(0, "/s")
        limit = limits(found, lambda load: load.per_second).text(0, "/s")
        own_tail = subjects(found, lambda load: load.p99_ms).text(1, " ms")
        limit_tail = limits(found, lambda load: load.p99_ms).text(1, " ms")
        goal = f"≥ {RATE_GOAL} ×"
        lines.append(
            Line(
                f"{name}: requests/s {own}",
                f"{rate.text()} ×",
                limit,
                goal,
                rate.median >= RATE_GOAL,
            )
        )
        goal = f"≤ {TAIL_GOAL:g} ×"
        lines.append(
            Line(
                f"{name}: p99 {own_tail}",
                f"{tail.text()} ×",
                limit_tail,
                goal,
                tail.median <= TAIL_GOAL,
            )
        )
        cpu = Spread.of([1 / one.ratio(lambda load: load.server_cpu_us) for one in found])
        own = subjects(found, lambda load: load.server_cpu_us).text(1, " µs")
        limit = limits(found, lambda load: load.server_cpu_us).text(1, " µs")
        lines.append(
            Line(
                f"{name}: processor time a request {own}",
                f"{cpu.text()} × of its limit's rate",
                limit,
            )
        )
    return lines


def _sustain(
    scale: Scale,
    limit: Callable[[], Load],
    processes: Processes,
    folder: Path,
    bootstrap: str,
) -> list[Line]:
    """A minute of load: in its second half the relay moves what the server records, however much waits for it by then."""
    server = _Server(processes, EdgeBrand(1_000), folder / "sustained", bootstrap)
    before = limit()
    half = scale.sustained_seconds / 2
    first = server.visit(half)
    waiting_first = metric(server.port, "laurel_journal_records")
    relayed = metric(server.port, "laurel_relayed_records_total")
    second = server.visit(half)
    moved = metric(server.port, "laurel_relayed_records_total") - relayed
    waiting_second = metric(server.port, "laurel_journal_records")
    server.wait_until_idle()
    after = limit()
    ratio = (first.requests + second.requests) / scale.sustained_seconds
    ratio /= (before.per_second + after.per_second) / 2
    return [
        Line(
            f"sustained for {scale.sustained_seconds:.0f} s: {second.per_second:.0f}/s in the second half",
            f"{ratio:.2f} ×",
            f"{after.per_second:.0f}/s",
            f"≥ {SUSTAINED_GOAL} ×",
            ratio >= SUSTAINED_GOAL,
        ),
        Line(
            "moved by the relay in the second half, of what was recorded in it",
            f"{100 * moved / second.requests:.1f} %",
            goal=f"≥ {100 * KEPT_UP:.0f} %",
            met=moved >= KEPT_UP * second.requests,
        ),
        Line(
            "records waiting for the relay after the first and the second half",
            f"{waiting_first:.0f}, {waiting_second:.0f}",
        ),
    ]


def _name(links: int) -> str:
    return "1 link" if links == 1 else f"{links:,} links"
