"""A hundred seeds of the simulation, the exact replay of a seed, and bugs that it must find.

`python -m tests.simulation` runs thousands of seeds; here a hundred run, in parallel chunks.
"""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from services.attribution.pipeline import joining
from services.attribution.store import offset_rows
from services.roi.domain import rollup
from services.roi.pipeline import fold
from services.roi.store import rollups
from shared.db import engine
from tests.simulation.judge import Judge
from tests.simulation.parallel import play
from tests.simulation.seed_databases import databases
from tests.simulation.seed_run import SeedFailed, run_seed

SEEDS = 100
CHUNK = 10
# Each bug below was found within twelve seeds when it was written.
SEEDS_TO_FIND = 60

FAULTS = (
    "repeated",
    "late by its own time",
    "dead",
    "append twice",
    "append late",
    "append answer_lost",
    "deaths committed",
    "deaths appended",
    "thrown out",
    "rebalance",
    "jump",
    "away",
    "parked",
    "blocked",
    "database lost at begin",
    "database lost at committed",
)


async def play_seeds(url: str, seeds: range) -> Counter[str]:
    """Return the counts of all seeds. Raises `SeedFailed` for the first that fails."""
    counts: Counter[str] = Counter()
    async with databases(url) as opened:
        for seed in seeds:
            counts += (await run_seed(opened, seed)).counts
    return counts


@pytest.mark.parametrize("first", range(0, SEEDS, CHUNK))
async def test_any_fault_ends_in_the_ledger_of_the_core(fresh_database: str, first: int) -> None:
    counts = await play_seeds(fresh_database, range(first, first + CHUNK))
    assert counts["read"] == counts["stored"] + counts["repeated"] + counts["dead"]
    # Each kind of fault must occur in every chunk, or the test proves little.
    for fault in FAULTS:
        assert counts[fault] > 0, f"no {fault}: {counts}"


def test_a_replayed_seed_leaves_the_same_bytes(fresh_database: str, tmp_path: Path) -> None:
    # Two processes with different orders of sets; the second uses a database with dead rows.
    dumps = []
    for hash_seed in ("1", "2"):
        dump = tmp_path / f"dump-{hash_seed}"
        command = [sys.executable, "-m", "tests.simulation", "--seed", "7", "--dump", str(dump)]
        done = subprocess.run(
            [*command, "--database", fresh_database],
            cwd=Path(__file__).parents[2],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        dumps.append(dump.read_bytes())
    assert len(dumps[0]) > 100_000
    assert dumps[0] == dumps[1]


async def test_a_failing_seed_prints_its_replay_and_the_replay_fails_alike(
    fresh_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(_: Judge) -> None:
        raise AssertionError("the ledger is wrong")

    monkeypatch.setattr(Judge, "at_the_end", refuse)
    reports = [await play(fresh_database, [3], wants_dump=True) for _ in range(2)]
    for report in reports:
        assert len(report.failures) == report.seeds == 1
        assert report.failures[0].startswith("seed 3: the ledger is wrong\n")
        assert report.failures[0].endswith("\nreplay: python -m tests.simulation --seed 3")
    assert len(reports[0].dump) > 100_000
    assert reports[0].dump == reports[1].dump


def remove_compare_and_set(monkeypatch: pytest.MonkeyPatch) -> None:
    always = offset_rows.MOVE_OFFSET.replace("$3::bigint", "$3::bigint OR true")
    monkeypatch.setattr(offset_rows, "MOVE_OFFSET", always)
    monkeypatch.setattr(rollups, "MOVE_OFFSET", rollups.MOVE_OFFSET.replace("= $3", "= $3 OR true"))


def remove_the_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = engine._LOCK.text.replace("pg_advisory_xact_lock", "pg_try_advisory_xact_lock")
    monkeypatch.setattr(engine, "_LOCK", text(tried))


def ignore_late_touches(monkeypatch: pytest.MonkeyPatch) -> None:
    async def none(*_: object) -> set[object]:
        return set()

    monkeypatch.setattr(joining, "_late_touches", none)


def date_by_the_record(monkeypatch: pytest.MonkeyPatch) -> None:
    """Date reversals by the record that carries them, as the first releases did."""
    rows = rollup.entry_rows
    place = rollup.ENTRY_COLUMNS.index("occurred_at")

    def misdated(known: rollup.KnownRecord) -> list[rollup.Row]:
        at = getattr(known.record, "occurred_at", None)
        return [(*row[:place], at, *row[place + 1 :]) for row in rows(known)]

    monkeypatch.setattr(fold, "entry_rows", misdated)


@pytest.mark.parametrize(
    "add_bug",
    [remove_compare_and_set, remove_the_lock, ignore_late_touches, date_by_the_record],
)
async def test_an_added_bug_is_found(
    fresh_database: str,
    monkeypatch: pytest.MonkeyPatch,
    add_bug: Callable[[pytest.MonkeyPatch], None],
) -> None:
    add_bug(monkeypatch)
    with pytest.raises(SeedFailed):
        await play_seeds(fresh_database, range(SEEDS_TO_FIND))
