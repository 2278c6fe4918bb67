"""Goal 6, attribution: its memory stays flat while it processes a backlog.

Promise: the real process on a real Kafka and Postgres. It stores the catalog and stops; all events
are on the log before it starts again. The bench holds only a part of them in memory. Every order
must be stored at the end.
What can go wrong: too little disk for the broker and the database raises before the start.
"""

import asyncio
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.bench.bench_attribution import (
    CONVERSIONS,
    OFFSETS,
    append,
    publish_catalog,
    record_of,
    start_attribution,
    wait_for_catalog,
)
from tests.bench.child_processes import BenchFailed, Child, Processes, scratch
from tests.bench.durable_postgres import BenchPostgres, postgres
from tests.bench.event_stream import Traffic
from tests.bench.performance_page import Line, Section
from tests.bench.pinned_kafka import kafka
from tests.bench.scale import Scale
from tests.fixtures.connections import value_of

ORDER_PERCENT: Final = 1.0
GOAL: Final = 1.2
# After a tenth the process has done every kind of work; later growth comes from the backlog.
FIRST_SHARE: Final = 0.1
SHARES: Final = (FIRST_SHARE, 0.5, 1.0)
LOOK_SECONDS: Final = 1.0
# A shorter backlog is read more often: 50,000 events take two seconds. A read costs a connection.
LOOK_SECONDS_FROM_EVENTS: Final = 500_000
STALLED_SECONDS_MAX: Final = 120.0
TELL_SECONDS: Final = 10.0
# At most 0.5 KB on the log, 1 KB in tables and indexes, 1 KB of write-ahead log.
DISK_BYTES_AN_EVENT: Final = 2_500


@dataclass(frozen=True, slots=True)
class Sample:
    """One reading: its time, the number of stored events, and the resident memory."""

    at_seconds: float
    done: int
    memory_bytes: int


def measure(scale: Scale) -> Section:
    """Run the whole item."""
    traffic = Traffic(scale.backlog, ORDER_PERCENT)
    with scratch() as folder:
        _check_disk(folder, scale.backlog)
        with postgres(folder) as database:
            samples, most_bytes, idle_bytes = _work_off(folder, database, traffic, scale)
    return Section(
        "backlog",
        "Memory of attribution under a backlog",
        _lines(scale.backlog, samples, most_bytes, idle_bytes),
        (
            f"One process; {ORDER_PERCENT:g} % orders, 8 workspaces, 100 creators each;"
            " everything was on the log before it started.",
            "Resident memory by the kernel; broker, Postgres and service share the cores.",
        ),
    )


def _check_disk(folder: Path, events: int) -> None:
    free, wanted = shutil.disk_usage(folder).free, events * DISK_BYTES_AN_EVENT
    if free < wanted:
        raise BenchFailed(f"{wanted >> 20} MiB of disk are wanted, {free >> 20} MiB are free")


def _work_off(
    folder: Path, database: BenchPostgres, traffic: Traffic, scale: Scale
) -> tuple[list[Sample], int, int]:
    """Return the readings, the peak memory, and the memory before the first event."""
    url = database.clone()
    with Processes(folder) as processes, kafka(folder, core=None) as bootstrap:
        asyncio.run(publish_catalog(bootstrap, traffic))
        child = start_attribution(processes, folder / "early", url, bootstrap)
        wait_for_catalog(url, traffic)
        idle_bytes = child.memory_bytes()
        child.stop()
        scale.tell(f"{traffic.events:,} events to the log")
        began = time.monotonic()
        asyncio.run(append(bootstrap, (record_of(event) for event in traffic.stream())))
        scale.tell(f"took {time.monotonic() - began:.0f} s; processing them")
        child = start_attribution(processes, folder / "late", url, bootstrap)
        samples = asyncio.run(_watch(url, child, traffic.events, scale))
        stored = asyncio.run(value_of(url, CONVERSIONS))
        assert stored == traffic.orders, f"{stored} conversions, {traffic.orders} orders were sent"
        return samples, child.memory_bytes("VmHWM"), idle_bytes


async def _watch(url: str, child: Child, events: int, scale: Scale) -> list[Sample]:
    """Read the stored offsets and the memory until all events are stored."""
    pause_seconds = LOOK_SECONDS * min(1.0, events / LOOK_SECONDS_FROM_EVENTS)
    samples: list[Sample] = []
    moved_at = told_at = time.monotonic()
    while not samples or samples[-1].done < events:
        if child.process.poll() is not None:
            raise BenchFailed(f"{child.name} ended:\n{child.end_of_output()}")
        done = int(await value_of(url, OFFSETS))
        now = time.monotonic()
        if samples and done > samples[-1].done:
            moved_at = now
        if now - moved_at > STALLED_SECONDS_MAX:
            raise BenchFailed(f"it stopped at {done} of {events}:\n{child.end_of_output()}")
        samples.append(Sample(now, done, child.memory_bytes()))
        if now - told_at > TELL_SECONDS:
            told_at = now
            scale.tell(f"{done:,} events, {_mib(samples[-1].memory_bytes)}")
        await asyncio.sleep(pause_seconds)
    return samples


def _lines(events: int, samples: list[Sample], most_bytes: int, idle_bytes: int) -> list[Line]:
    held = [_at(samples, events * share).memory_bytes for share in SHARES]
    ratio = held[-1] / held[0]
    first, last = _at(samples, events * FIRST_SHARE), samples[-1]
    # A short run may end before the first reading.
    rate = (last.done - first.done) / max(last.at_seconds - first.at_seconds, 1e-9)
    shares = ", ".join(f"{100 * share:.0f} %" for share in SHARES)
    return [
        Line(
            f"{events:,} events: memory after {shares}: {', '.join(map(_mib, held))}",
            f"{ratio:.2f} ×",
            f"{_mib(held[0])} after {100 * FIRST_SHARE:.0f} %",
            f"≤ {GOAL:g} ×",
            ratio <= GOAL,
        ),
        Line(
            "peak memory; with the catalog and no event",
            f"{_mib(most_bytes)}; {_mib(idle_bytes)}",
        ),
        Line(f"events/s from {100 * FIRST_SHARE:.0f} % to the end", f"{rate:.0f}/s"),
    ]


def _at(samples: list[Sample], done: float) -> Sample:
    return next(sample for sample in samples if sample.done >= done)


def _mib(size_bytes: int) -> str:
    return f"{size_bytes / 2**20:.0f} MiB"
