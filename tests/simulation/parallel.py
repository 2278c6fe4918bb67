"""Run many seeds in chunks: each chunk in its own process, on its own clone of the database.

Promise: seeds share nothing, so the number of workers changes no outcome. Results are reported
line by line with `say`.
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

# Enough seeds for the cost of a clone and its connections; with more, dead rows slow it down,
# because the database is not vacuumed.
CHUNK_SEEDS = 25
TEMPLATE = "simulation"
SAY_EVERY_SECONDS = 30.0
# No crash safety is needed: a simulation kills processes of Laurel, never this server.
SETTINGS = "synchronous_commit = off\nwal_level = minimal\nmax_wal_senders = 0\n"


@dataclass
class Report:
    """The results of some seeds."""

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
        counts = ", ".join(f"{name} {count}" for name, count in sorted(self.counts.items()))
        return f"{self.seeds} seeds, {len(self.failures)} failed: {counts}"


async def play(url: str, seeds: Sequence[int], *, wants_dump: bool) -> Report:
    """Run seeds one after the other on one database."""
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
    """Run seeds on a clone of the migrated database. It is called in a process of its own."""
    configure_logging("simulation", level="CRITICAL")
    # Imported objects stay and a seed makes few, so the garbage collector runs rarely.
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
    """Run a coroutine on uvloop, the loop of the services."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


@contextmanager
def postgres() -> Iterator[PostgresServer]:
    """Yield a server of this run with a migrated template database."""
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
    """Run all seeds on `workers` processes.

    `say` prints failures at once and progress every 30 s, so a stopped run has reported them.
    """
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
            # A stopped run does not start the chunks that are still queued.
            pool.shutdown(cancel_futures=True)
    return total


def play_one(seed: int, url: str | None, *, wants_dump: bool) -> Report:
    """Run one seed, on the database at `url` or on a fresh one."""
    if url is not None:
        return run(play(url, [seed], wants_dump=wants_dump))
    with postgres() as server:
        return run(play(server.url_of(TEMPLATE), [seed], wants_dump=wants_dump))
