"""Goal 3: attribution from a real Kafka, beside plain SQL on the same rows and the same Postgres.

Promise: the service runs as one or two processes with a fresh broker and a fresh database. Only the
middle of the stream is timed, from a tenth to nine tenths of the offsets, so the start and the last
partition do not count. Every order must be stored at the end.
"""

import asyncio
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final

from shared.catalog import catalog_key, encode_catalog
from shared.clock import SystemClock
from shared.event_headers import event_headers
from shared.events import AnyEvent, encode_event
from shared.log.kafka import KafkaLog
from shared.log.port import Record
from shared.log.topics import ALL, CATALOG, EVENTS
from tests.bench import sql_floor
from tests.bench.child_processes import (
    Child,
    Processes,
    clean_environment,
    free_port,
    scratch,
    wait_until,
    wait_until_answers,
)
from tests.bench.comparison import Round, Spread, interleave, limits, ratios, subjects
from tests.bench.durable_postgres import SECRET_KEY, BenchPostgres, postgres
from tests.bench.event_stream import Traffic
from tests.bench.performance_page import Line, Section
from tests.bench.pinned_kafka import kafka
from tests.bench.scale import Scale
from tests.fixtures.connections import connect, value_of

# (percent of orders, processes) → the goal.
CASES: Final[Mapping[tuple[float, int], float]] = {
    (1, 1): 0.45,
    (1, 2): 0.55,
    (5, 1): 0.2,
}
APPEND_RECORDS: Final = 5_000
FIRST_SHARE: Final = 0.1
LAST_SHARE: Final = 0.9
LOOK_SECONDS: Final = 0.05
WORK_SECONDS_MAX: Final = 1_800

OFFSETS: Final = (
    "SELECT coalesce(sum(next_offset), 0) FROM attribution.offsets WHERE topic = 'laurel.events'"
)
CONVERSIONS: Final = "SELECT count(*) FROM attribution.conversions"
ROWS: Final = (
    "SELECT sum(n_tup_ins + n_tup_upd) FROM pg_stat_user_tables WHERE schemaname = 'attribution'"
)


@dataclass(frozen=True, slots=True)
class Credited:
    """The result of one run. `rows_an_event` is 0 for the SQL floor, whose rows are known."""

    per_second: float
    rows_an_event: float = 0.0


def measure(scale: Scale) -> Section:
    """Run the whole item."""
    lines: list[Line] = []
    with scratch() as folder, postgres(folder) as database:
        for percent in sorted({percent for percent, _ in CASES}):
            cases = {
                number: goal
                for (share, number), goal in CASES.items()
                if share == percent and not (scale.is_short and number > 1)
            }
            scale.tell(f"{percent:g} % orders: making {scale.events} events")
            bench = _Bench(folder, database, Traffic(scale.events, percent))
            rounds = interleave(
                bench.floor,
                {str(number): partial(bench.attribution, number) for number in cases},
                scale.rounds,
                scale.tell,
            )
            for number, goal in cases.items():
                lines += _lines(percent, number, goal, rounds[str(number)])
    return Section(
        "attribution",
        "Attribution from Kafka",
        lines,
        (
            f"{scale.events:,} events of 8 workspaces, one per partition; 100 creators each;"
            " three models; broker, Postgres and service share the cores.",
            "The limit is plain SQL on the same rows: COPY, insert with deduplication into tables"
            " with the same columns and indexes, hourly rollup.",
        ),
    )


class _Bench:
    """One stream of events, as records for the log and as rows for the floor."""

    def __init__(self, folder: Path, database: BenchPostgres, traffic: Traffic) -> None:
        self._folder = folder
        self._database = database
        self._traffic = traffic
        events = list(traffic.stream())
        self._records = [record_of(event) for event in events]
        self._rows = sql_floor.batches(record.value for record in self._records)

    def floor(self) -> Credited:
        """Run the limit in a fresh database."""
        url = self._database.clone()
        try:
            return Credited(asyncio.run(sql_floor.rows_per_second(url, self._rows)))
        finally:
            self._database.drop(url)

    def attribution(self, number: int) -> Credited:
        """Run the service with a number of processes."""
        with running(self._folder, self._database, number, self._traffic) as (url, bootstrap):
            asyncio.run(append(bootstrap, self._records))
            per_second = asyncio.run(_watch(url, len(self._records)))
            stored = asyncio.run(value_of(url, CONVERSIONS))
            expected = self._traffic.orders
            assert stored == expected, f"{stored} conversions, {expected} orders were sent"
            rows = float(asyncio.run(value_of(url, ROWS)))
        return Credited(per_second, rows / len(self._records))


@contextmanager
def running(
    folder: Path, database: BenchPostgres, number: int, traffic: Traffic
) -> Iterator[tuple[str, str]]:
    """Start a number of attribution processes with the catalog; yield database and broker."""
    url = database.clone()
    with Processes(folder) as processes, kafka(folder, core=None) as bootstrap:
        asyncio.run(publish_catalog(bootstrap, traffic))
        for place in range(number):
            start_attribution(processes, folder / f"data-{place}", url, bootstrap)
        wait_for_catalog(url, traffic)
        yield url, bootstrap
    database.drop(url)


def start_attribution(processes: Processes, data_dir: Path, url: str, bootstrap: str) -> Child:
    """Start the service on both cores, and wait until it is ready."""
    port = free_port()
    environment = clean_environment(
        {
            "LAUREL_DATA_DIR": str(data_dir),
            "LAUREL_DATABASE_URL": url,
            "LAUREL_SECRET_KEY": SECRET_KEY,
            "LAUREL_ATTRIBUTION_PORT": str(port),
            "LAUREL_LOG": f"kafka://{bootstrap}",
        }
    )
    child = processes.python(
        f"attribution-{data_dir.name}", "services.attribution", core=None, environment=environment
    )
    wait_until_answers(f"http://127.0.0.1:{port}/health/ready", child)
    return child


def wait_for_catalog(url: str, traffic: Traffic) -> None:
    """Wait until attribution has the catalog, so that no click has an unknown link."""
    known = sum(1 for _ in traffic.catalog())
    wait_until(lambda: _count(url, "attribution.catalog") >= known - 8, "the catalog is stored")


def _count(url: str, table: str) -> int:
    return int(asyncio.run(value_of(url, f"SELECT count(*) FROM {table}")))


def record_of(event: AnyEvent) -> Record:
    """Return an event as the relay of tracking appends it."""
    return Record(event.workspace_id.encode(), encode_event(event), event_headers(event))


async def publish_catalog(bootstrap: str, traffic: Traffic) -> None:
    """Make the topics and append the catalog."""
    log = KafkaLog(bootstrap, SystemClock(), client_id="bench")
    await log.open()
    try:
        await log.ensure_topics(ALL)
        records = [Record(catalog_key(r), encode_catalog(r)) for r in traffic.catalog()]
        await log.append(CATALOG, records)
    finally:
        await log.close()


async def append(bootstrap: str, records: Iterable[Record]) -> None:
    """Append events to the log; only `APPEND_RECORDS` of them are in memory."""
    log = KafkaLog(bootstrap, SystemClock(), client_id="bench")
    await log.open()
    coming = iter(records)
    try:
        while part := list(islice(coming, APPEND_RECORDS)):
            await log.append(EVENTS, part)
    finally:
        await log.close()


async def _watch(url: str, events: int) -> float:
    """Read the stored offsets to the end; return events per second in the middle part."""
    began = time.monotonic()
    seen: list[tuple[float, int]] = []
    done = 0
    # One connection for all reads: a new one costs Postgres as much as some hundred events.
    connection = await connect(url)
    try:
        while done < events:
            took = time.monotonic() - began
            assert took < WORK_SECONDS_MAX, f"only {done} of {events} were stored"
            done = int(await connection.fetchval(OFFSETS))
            seen.append((time.monotonic(), done))
            await asyncio.sleep(LOOK_SECONDS)
    finally:
        await connection.close()
    first = next(point for point in seen if point[1] >= events * FIRST_SHARE)
    last = next(point for point in seen if point[1] >= events * LAST_SHARE)
    if last[1] == first[1]:
        first = (began, 0)
    return (last[1] - first[1]) / (last[0] - first[0])


def _lines(percent: float, number: int, goal: float, rounds: list[Round[Credited]]) -> list[Line]:
    rate = ratios(rounds, _per_second)
    name = f"{percent:g} % orders, {number} process{'es' if number > 1 else ''}"
    rows = Spread.of([one.subject.rows_an_event for one in rounds])
    return [
        Line(
            f"{name}: events/s {subjects(rounds, _per_second).text(0, '/s')}",
            f"{rate.text()} ×",
            limits(rounds, _per_second).text(0, "/s"),
            f"≥ {goal} ×",
            rate.median >= goal,
        ),
        Line(f"{name}: rows written an event", rows.text(), "1 and its share of the hourly rollup"),
    ]


def _per_second(run: Credited) -> float:
    return run.per_second
