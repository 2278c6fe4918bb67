"""The redirect with its event journaled, beside a bare uvicorn app that answers a constant 302.

Promise: both on the same core, the limit before and after each subject, with the same requests. The
journal is on disk, the relay runs, and a real Kafka takes the events.
What can go wrong: a visit that was not journaled fails the measurement.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from tests.bench.child_processes import Processes, scratch
from tests.bench.comparison import interleave
from tests.bench.performance_page import Section
from tests.bench.pinned_kafka import kafka
from tests.bench.scale import Scale
from tests.bench.server_load import (
    Served,
    Server,
    lines_of,
    metric,
    notes_of,
    start_bare,
    tracking_server,
)
from tests.bench.tracking_process import BenchBrand, start_tracking
from tests.bench.wrk import SLEEPS, ensure_wrk, write_requests

RATE_GOAL: Final = 0.6
TAIL_GOAL: Final = 3.0
REQUESTS_A_SECOND: Final = 5_000


def measure(scale: Scale) -> Section:
    """Run the whole item."""
    ensure_wrk()
    with scratch() as folder, Processes(folder) as processes, kafka(folder) as bootstrap:
        bare = start_bare(processes, "redirect")
        visits = write_requests(folder / "bare.requests", BenchBrand(1).visits())
        subjects: dict[str, Callable[[], Served]] = {}
        for count in scale.links:
            name = "1 link" if count == 1 else f"{count:,} links"
            scale.tell(f"preparing {name}")
            subjects[name] = _subject(processes, folder / f"links-{count}", count, bootstrap, scale)
        limit = partial(bare.measure, visits, rate=REQUESTS_A_SECOND, seconds=scale.seconds)
        rounds = interleave(limit, subjects, scale.rounds, scale.tell)
    found = [one for rounds_of_one in rounds.values() for one in rounds_of_one]
    return Section(
        "redirect",
        "Redirect with its event journaled",
        [line for name in rounds for line in lines_of(name, rounds[name], RATE_GOAL, TAIL_GOAL)],
        (
            "Server on one core, load and broker on the other; half of the visitors have a cookie.",
            notes_of(found, REQUESTS_A_SECOND),
            SLEEPS,
            "The limit is a bare ASGI app under stock uvicorn with uvloop and httptools.",
        ),
    )


def _subject(
    processes: Processes, folder: Path, links: int, bootstrap: str, scale: Scale
) -> Callable[[], Served]:
    """Start a tracking process with a number of links; return the function that measures it."""
    folder.mkdir()
    brand = BenchBrand(links)
    brand.write_snapshot(folder)
    child, port, _ = start_tracking(processes, folder.name, folder, f"kafka://{bootstrap}")
    requests = write_requests(folder / "visits.requests", brand.visits())
    return partial(_visit, tracking_server(child, port), requests, scale)


def _visit(server: Server, requests: Path, scale: Scale) -> Served:
    served = server.measure(requests, rate=REQUESTS_A_SECOND, seconds=scale.seconds)
    lost = metric(server.port, "laurel_redirects_total", 'outcome="unrecorded"')
    assert lost == 0, f"{lost} visits were not journaled"
    return served
