"""Goal 4: the fold of credits, and answers of roi with 1, 10 and 100 times the events.

Promise: each size has its own database, filled by the fold of roi. One caller asks the real service
over HTTP, the sizes in turn. At 1 × each placement has one conversion on each day, so all sizes
have the same rollup rows.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx

from services.roi.bootstrap import ensure_admin_key
from services.roi.store.key_rows import look_up
from shared.clock import ManualClock
from shared.credits import AnyCredits
from shared.db.engine import Database
from shared.db.roles import service_url
from shared.ids import api_key_hash
from tests.bench.bench_exports import export_line
from tests.bench.child_processes import (
    SERVER_CORE,
    Child,
    Processes,
    clean_environment,
    free_port,
    scratch,
    wait_until_answers,
)
from tests.bench.comparison import Spread, percentile
from tests.bench.durable_postgres import SECRET_KEY, postgres
from tests.bench.performance_page import Line, Section
from tests.bench.scale import Scale
from tests.integration.roi.handed_batches import fold
from tests.integration.roi.roi_workspace import RoiWorkspace

ADMIN_KEY: Final = "lrl_sec_benchben_" + "k" * 32
HEADERS: Final = {"Authorization": f"Bearer {ADMIN_KEY}"}
CREATORS: Final = 10
DAYS: Final = 365
FIRST_DAY: Final = datetime(2025, 11, 1, 12, tzinfo=UTC)
FOLD_RECORDS: Final = 5_000
RATIO_GOAL: Final = 1.2
P99_GOAL_MS: Final = 50.0
# The `meta.source` of an answer from raw entries. 100 × has 1.1 million of them.
RAW: Final = "entries"
RAW_P99_GOAL_MS: Final = 300.0
FUNNEL: Final = "funnel"
FUNNEL_P99_GOAL_MS: Final = 100.0
MONTH: Final = "from=2026-09-15&to=2026-10-14"
YEAR: Final = "from=2025-11-01&to=2026-10-31"
# The call and its query, by what it asks.
QUESTIONS: Final[Mapping[str, tuple[str, str]]] = {
    "by creator, 30 days": ("roi", f"group_by=creator&{MONTH}"),
    "by platform and day, 30 days": ("roi", f"group_by=platform,day&{MONTH}"),
    "by creator, 30 days, by touch time": ("roi", f"group_by=creator&{MONTH}&by=touch_time"),
    "by creator, 30 days, as of half a year ago": (
        "roi",
        "group_by=creator&from=2026-04-01&to=2026-04-30&as_of=2026-05-01T18:00:00Z",
    ),
    "by campaign, a year": ("roi", f"group_by=campaign&{YEAR}"),
    # No rollup has hours or links.
    "by hour, 30 days": ("roi", f"group_by=hour&{MONTH}"),
    "by creator and link, 30 days": ("roi", f"group_by=creator,link&{MONTH}"),
    "funnel by creator, 30 days": (FUNNEL, f"group_by=creator&{MONTH}"),
    "funnel by campaign, a year": (FUNNEL, f"group_by=campaign&{YEAR}"),
}


@dataclass(frozen=True, slots=True)
class Filled:
    """One size: its server and the port of it, and the time of its fold."""

    server: Child
    port: int
    credits: int
    fold_seconds: float


def measure(scale: Scale) -> Section:
    """Run the whole item."""
    sizes = (1, 10) if scale.is_short else (1, 10, 100)
    with scratch() as folder, postgres(folder) as database, Processes(folder) as processes:
        filled: dict[int, Filled] = {}
        for size in sizes:
            scale.tell(f"filling {size} ×")
            url = database.clone()
            credits, seconds = asyncio.run(_fill(url, size))
            filled[size] = Filled(*_serve(processes, folder, url, size), credits, seconds)
        lines = [
            Line(
                f"fold of {one.credits:,} credits ({size} ×)",
                f"{one.credits / one.fold_seconds:,.0f} credits/s",
            )
            for size, one in filled.items()
        ]
        turns = 20 if scale.is_short else 200
        for name, question in QUESTIONS.items():
            scale.tell(name)
            lines += _lines(name, _ask(filled, question, turns, scale.rounds))
        scale.tell("export")
        longest = filled[max(filled)]
        lines.append(export_line(longest.server, longest.port, HEADERS))
    return Section(
        "answers",
        "Fold and answers of roi",
        lines,
        (
            f"{CREATORS} creators, as many placements, {DAYS} days;"
            " 1 × is one conversion per placement and day; three models.",
            "One caller asks each question of the sizes in turn;"
            " the ratio is p99 over p99 of 1 × in the same round.",
        ),
    )


def _serve(processes: Processes, folder: Path, url: str, size: int) -> tuple[Child, int]:
    port = free_port()
    environment = clean_environment(
        {
            "LAUREL_DATA_DIR": str(folder / f"roi-{size}"),
            "LAUREL_DATABASE_URL": url,
            "LAUREL_SECRET_KEY": SECRET_KEY,
            "LAUREL_ADMIN_KEY": ADMIN_KEY,
            "LAUREL_ROI_PORT": str(port),
        }
    )
    child = processes.python(
        f"roi-{size}", "services.roi", core=SERVER_CORE, environment=environment
    )
    wait_until_answers(f"http://127.0.0.1:{port}/health/ready", child)
    return child, port


async def _fill(url: str, size: int) -> tuple[int, float]:
    """Make a brand with credits; return the number of entries and the seconds of their fold."""
    database = Database(service_url(url, "roi", SECRET_KEY), application_name="bench")
    await database.open()
    try:
        # The clock of a workspace never goes back, so the brand is older than its first credit.
        past = ManualClock(FIRST_DAY - timedelta(days=2))
        await ensure_admin_key(database, past, ADMIN_KEY)
        principal = await look_up(database, bytes.fromhex(api_key_hash(ADMIN_KEY)))
        assert principal is not None
        roi_workspace = RoiWorkspace(
            database, principal.workspace_id, now=FIRST_DAY - timedelta(days=1)
        )
        placements = await _plan(roi_workspace)
        return await _credit(roi_workspace, placements, size)
    finally:
        await database.close()


async def _plan(roi_workspace: RoiWorkspace) -> list[str]:
    """Make creators, each with a placement in one of three campaigns, and costs."""
    campaigns = [await roi_workspace.campaign(f"campaign {number}") for number in range(3)]
    placements = []
    for number in range(CREATORS):
        creator = await roi_workspace.creator(f"creator {number}")
        platform = ("instagram", "tiktok", "youtube")[number % 3]
        placement = await roi_workspace.placement(creator, campaigns[number % 3], platform)
        await roi_workspace.cost(50_000, "2026-09-20", placement_id=placement)
        placements.append(placement)
    return placements


async def _credit(
    roi_workspace: RoiWorkspace, placements: Sequence[str], size: int
) -> tuple[int, float]:
    entries, seconds = 0, 0.0
    batch: list[AnyCredits] = []
    for day in range(DAYS):
        roi_workspace.now = FIRST_DAY + timedelta(days=day)
        for number in range(size * len(placements)):
            at = FIRST_DAY + timedelta(days=day, seconds=number % 3_600)
            shares = {placements[number % len(placements)]: (4_990, at - timedelta(hours=2))}
            # Orders are 50 µs apart, so the orders of a day at 100 × fit into the day.
            roi_workspace.now -= timedelta(seconds=1) - timedelta(microseconds=50)
            record = roi_workspace.order(4_990, at, shares)
            entries += len(record.entries)
            batch.append(record)
        if len(batch) >= FOLD_RECORDS or day == DAYS - 1:
            began = time.monotonic()
            for start in range(0, len(batch), FOLD_RECORDS):
                await fold(roi_workspace.handler(), batch[start : start + FOLD_RECORDS])
            seconds += time.monotonic() - began
            batch = []
    return entries, seconds


@dataclass(frozen=True, slots=True)
class Asked:
    """One question: the milliseconds of every answer per size and round, and their source."""

    call: str
    source: str
    times_ms: Mapping[int, Sequence[Sequence[float]]]


def _ask(filled: Mapping[int, Filled], question: tuple[str, str], turns: int, rounds: int) -> Asked:
    """Ask one question of the sizes in turn."""
    call, query = question
    found: dict[int, list[list[float]]] = {size: [] for size in filled}
    source = ""
    with httpx.Client(headers=HEADERS, timeout=30) as client:
        for _ in range(rounds):
            for size in filled:
                found[size].append([])
            for _ in range(turns):
                for size, one in filled.items():
                    began = time.perf_counter()
                    answer = client.get(f"http://127.0.0.1:{one.port}/v1/{call}?{query}")
                    found[size][-1].append((time.perf_counter() - began) * 1e3)
                    assert answer.status_code == 200, answer.text
                    assert _has_conversions(call, answer.json()), "an empty answer"
                    source = answer.json()["meta"].get("source", "")
    return Asked(call, source, found)


def _has_conversions(call: str, answer: Any) -> bool:
    totals = answer["totals"]
    if call == FUNNEL:
        return any(stage["volumes"].get("purchases") for stage in totals["stages"])
    return bool(totals["conversions"])


def _lines(name: str, asked: Asked) -> list[Line]:
    base = min(asked.times_ms)
    goal_ms = RAW_P99_GOAL_MS if asked.source == RAW else P99_GOAL_MS
    if asked.call == FUNNEL:
        goal_ms = FUNNEL_P99_GOAL_MS
    lines = []
    for size, rounds in asked.times_ms.items():
        p99 = Spread.of([percentile(times, 99) for times in rounds])
        p50 = Spread.of([percentile(times, 50) for times in rounds])
        ratio = Spread.of(
            [
                percentile(times, 99) / percentile(limit, 99)
                for times, limit in zip(rounds, asked.times_ms[base], strict=True)
            ]
        )
        # A funnel reads the people of its conversions, and raw entries are as many as the events.
        has_ratio = size != base and goal_ms == P99_GOAL_MS
        is_met = p99.median <= goal_ms and (not has_ratio or ratio.median <= RATIO_GOAL)
        lines.append(
            Line(
                f"{name}, from {asked.source}, {size} ×:"
                f" p50 {p50.median:.1f} ms, p99 {p99.text(1, ' ms')}",
                "" if size == base else f"{ratio.text()} ×",
                "" if size == base else f"p99 of {base} ×",
                f"≤ {goal_ms:.0f} ms" + (f", ≤ {RATIO_GOAL} ×" if has_ratio else ""),
                is_met,
            )
        )
    return lines
