"""Many seeds: in chunks over processes of their own, each on its own clone of one migrated database.

Promise: seeds share nothing, so the number of workers changes no outcome. What is learnt is told by `say`, line by line.
"""

import asyncio
import gc
import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import uvloop
from typing_extensions import override

from shared.db.migrate import migrate
from shared.telemetry import configure_logging
from tests.fixtures.connections import execute
from tests.fixtures.postgres import SECRET_KEY, PostgresServer
from tests.simulation.seed_databases import databases
from tests.simulation.seed_run import SeedFailed, run_seed

# Long enough to pay for a clone and its connections, short enough that dead rows do not slow it: nobody vacuums here.
CHUNK_SEEDS = 25
TEMPLATE = "simulation"
SAY_EVERY_SECONDS = 30.0
# Nobody pulls this server's plug: what dies in a simulation is a process of Laurel, between or inside transactions.
SETTINGS = "synchronous_commit = off\nwal_level = minimal\nmax_wal_senders = 0\n"


@dataclass
class Report:
    """What a chunk of seeds did."""

    seeds: int = 0
    failures: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    dump: str = ""

    def add(self, other: "Report") -> None:
        self.seeds += other.seeds
        self.failures += other.failures
        self.counts += other.counts

    @override
    def __str__(self) -> str:
        told = ", ".join(f"{name} {count}" for name, count in sorted(self.counts.items()))
        return f"{self.seeds} seeds, {len(self.failures)} failed: {told}"


async def play(url: str, seeds: Sequence[int], *, wants_dump: bool) -> Report:
    """Run seeds one after the other."""
    report = Report()
    async with databases(url) as opened:
        for seed in seeds:
            report.seeds += 1
            try:
                outcome = await run_seed(opened, seed, wants_dump=wants_dump)
            except SeedFailed as failed:
                report.failures.append(str(failed))
                report.dump = failed.dump
                continue
            report.counts += outcome.counts
            report.dump = outcome.dump
    return report


def play_chunk(folder: str, seeds: Sequence[int]) -> Report:
    """Run seeds in a process of its own, on its own clone of the migrated database."""
    configure_logging("simulation", level="CRITICAL")
    # What was imported stays, and what a seed makes is small: the collector need not look so often.
    gc.freeze()
    gc.set_threshold(100_000)
    return run(_play_on_a_clone(PostgresServer(Path(folder)), seeds))


async def _play_on_a_clone(server: PostgresServer, seeds: Sequence[int]) -> Report:
    name = f"simulation_{seeds[0]}"
    await execute(server.owner_url, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    try:
        return await play(server.url_of(name), seeds, wants_dump=False)
    finally:
        await execute(server.owner_url, f"DROP DATABASE {name} WITH (FORCE)")


def run(work: Coroutine[Any, Any, Report]) -> Report:
    """Run to the end on the loop that the services run on."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


@contextmanager
def postgres() -> Iterator[PostgresServer]:
    """A server with a migrated template, for this run alone."""
    folder = Path(tempfile.mkdtemp(prefix=f"laurel-pg-{os.getpid()}-"))
    server = PostgresServer(folder)
    server.create(settings=SETTINGS)
    server.start()
    try:
        asyncio.run(execute(server.owner_url, f"CREATE DATABASE {TEMPLATE}"))
        asyncio.run(migrate(server.url_of(TEMPLATE), SECRET_KEY))
        yield server
    finally:
        server.remove()


def play_all(seeds: range, workers: int, say: Callable[[str], None]) -> Report:
    """All seeds over the workers, with a line of progress now and then, so that a run that is stopped has told what it saw."""
    total, began, said = Report(), time.monotonic(), 0.0
    chunks = [seeds[at : at + CHUNK_SEEDS] for at in range(0, len(seeds), CHUNK_SEEDS)]
    with (
        postgres() as server,
        ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool,
    ):
        running = [pool.submit(play_chunk, str(server.folder), chunk) for chunk in chunks]
        try:
            for done in as_completed(running):
                total.add(done.result())
                elapsed = time.monotonic() - began
                for failure in done.result().failures:
                    say(failure)
                if elapsed - said > SAY_EVERY_SECONDS:
                    said = elapsed
                    waiting = (
                        c[0] for c, task in zip(chunks, running, strict=True) if not task.done()
                    )
                    below = next(waiting, seeds.stop)
                    say(f"all below {below}, {total.seeds / elapsed:.2f} a second; {total}")
        finally:
            # Who is stopped early does not play what is still queued.
            pool.shutdown(cancel_futures=True)
    return total


def play_one(seed: int, url: str | None, *, wants_dump: bool) -> Report:
    """One seed again, on a given database or a fresh one."""
    if url is not None:
        return run(play(url, [seed], wants_dump=wants_dump))
    with postgres() as server:
        return run(play(server.url_of(TEMPLATE), [seed], wants_dump=wants_dump))
