"""Damage anywhere in the journal of a killed process is noticed, counted and named.

Promise: the process, its kill, its files and the damage are real. Whatever bytes of the journal
file or of its write-ahead log change, relayed and named lost events are the acknowledged ones.
"""

import asyncio
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from services.tracking.relay import Relay
from services.tracking.store.journal import Journal
from services.tracking.store.journal_file import JournalFile
from services.tracking.store.journal_loss import read_losses
from shared.clock import SystemClock
from shared.events import decode_event
from shared.log.memory import MemoryBroker, MemoryLog
from shared.log.topics import ALL, EVENTS
from shared.telemetry import Telemetry
from tests.integration.tracking.test_durability import order, process, snapshot
from tests.integration.tracking.world import World, until

ORDERS: Final = 300
SOME_ORDERS: Final = 60
NOISE_BYTES: Final = 64
SEEDS: Final = 40
SEEDS_LONG: Final = 3_000
LOST: Final = "laurel_journal_lost_events_total "


@dataclass
class Recovered:
    """What a new process made of a journal: the ids on the log, and the number it names as lost."""

    ids: set[str]
    lost: int


async def recover(root: Path) -> Recovered:
    """Relay the journals below a folder as a new process does."""
    clock, telemetry = SystemClock(), Telemetry("tracking")
    broker = MemoryBroker(clock)
    log = MemoryLog(broker)
    await log.ensure_topics(ALL)
    journal = Journal(root, clock, telemetry, bytes_max=10**9)
    await journal.open()
    await Relay(journal, log, clock, telemetry).drain()
    assert journal.backlog == []
    assert journal.bytes_waiting == 0
    await journal.close()
    ids = {
        decode_event(record.value).event_id
        for partition, (_, end) in broker.offset_ranges(EVENTS).items()
        for record in broker.read(EVENTS, partition, 0, end)
    }
    return Recovered(ids, lost_in(telemetry.render().decode()))


def lost_in(metrics: str) -> int:
    return sum(int(float(x.removeprefix(LOST))) for x in metrics.splitlines() if x.startswith(LOST))


async def sold(world: World, count: int) -> set[str]:
    """Return the ids of orders that a process acknowledged before it was killed."""
    await snapshot(world)
    ids: set[str] = set()
    async with process(world) as (child, client):
        for start in range(0, count, 10):
            sent = [client.post("/v1/conversions", json=order(n)) for n in range(start, start + 10)]
            ids |= {answer.json()["event_id"] for answer in await asyncio.gather(*sent)}
        child.kill()
        await child.wait()
    assert len(ids) == count
    return ids


def noise(path: Path, at: int, count: int, chance: random.Random) -> None:
    """Replace bytes of a file by other bytes."""
    data = bytearray(path.read_bytes())
    for place in range(at, min(at + count, len(data))):
        data[place] ^= chance.randrange(1, 256)
    path.write_bytes(data)


def files(folder: Path) -> tuple[Path, Path]:
    """Return the journal file and its write-ahead log."""
    (path,) = folder.glob("journal/slot-*/*.journal")
    return path, path.with_name(path.name + "-wal")


async def test_noise_in_the_write_ahead_log_is_counted_and_named(world: World) -> None:
    # So few that SQLite has not begun the write-ahead log again.
    ids = await sold(world, SOME_ORDERS)
    _, wal = files(world.folder)
    noise(wal, wal.stat().st_size * 9 // 10, NOISE_BYTES, random.Random(1))
    async with world.serving() as site:
        await site.ready()
        await until(lambda: not site.tracking.journal.backlog)
        relayed = {event.event_id for event in world.events()}
        lost = lost_in((await site.client.get("/metrics")).text)
        assert relayed < ids
        assert len(relayed) + lost == SOME_ORDERS
        assert (await site.post("/v1/conversions", order("after"))).status_code == 202
    ((note, loss),) = read_losses(world.folder / "journal")
    assert (loss.events, loss.acknowledged) == (lost, SOME_ORDERS)
    assert loss.holes
    assert note.with_suffix(".damaged").is_file()


async def assert_counted(world: World, folder: Path, seeds: int) -> None:
    """Damage copies of one journal at `seeds` places, and recover each."""
    ids = await sold(world, ORDERS)
    noticed = 0
    for seed in range(seeds):
        chance = random.Random(seed)
        copy = folder / str(seed)
        shutil.copytree(world.folder / "journal", copy / "journal")
        path = chance.choice(files(copy))
        for _ in range(chance.choice((1, 1, 3))):
            at = chance.randrange(path.stat().st_size)
            noise(path, at, chance.choice((1, NOISE_BYTES, 4_096)), chance)
        found = await recover(copy / "journal")
        assert found.ids <= ids, f"seed {seed}: an event that was never sent"
        assert len(found.ids) + found.lost == ORDERS, f"seed {seed}: {found.lost} named"
        noticed += found.lost > 0
        shutil.rmtree(copy)
    assert noticed > seeds // 10


async def test_relayed_and_lost_are_the_acknowledged_events(
    world: World, tmp_path_factory: pytest.TempPathFactory
) -> None:
    await assert_counted(world, tmp_path_factory.mktemp("damaged"), SEEDS)


@pytest.mark.slow
@pytest.mark.timeout(3_600)
async def test_relayed_and_lost_are_the_acknowledged_events_for_long(
    world: World, tmp_path_factory: pytest.TempPathFactory
) -> None:
    await assert_counted(world, tmp_path_factory.mktemp("damaged"), SEEDS_LONG)


def _cut(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


@pytest.mark.parametrize("which", [0, 1], ids=["journal", "wal"])
@pytest.mark.parametrize("harm", [_cut, Path.unlink, lambda path: path.write_bytes(b"")])
async def test_a_shortened_or_missing_file_is_counted(
    world: World, which: int, harm: Callable[[Path], object]
) -> None:
    ids = await sold(world, 100)
    harm(files(world.folder)[which])
    found = await recover(world.folder / "journal")
    assert found.ids <= ids
    assert len(found.ids) + found.lost == 100
    assert (await recover(world.folder / "journal")) == Recovered(set(), 0)


async def test_a_damaged_mark_loses_no_event(world: World) -> None:
    ids = await sold(world, 50)
    (mark,) = world.folder.glob("journal/slot-*/*.mark")
    noise(mark, 0, 8_192, random.Random(1))
    assert await recover(world.folder / "journal") == Recovered(ids, 0)


async def test_a_relayed_group_that_was_deleted_is_not_lost(tmp_path: Path) -> None:
    file = JournalFile(tmp_path / "a.journal")
    file.open_writer()
    for number in range(10):
        file.write([b"%d" % number])
    file.note_relayed(file.read(after=0, bytes_max=10**6)[:5])
    file.forget_through(5)
    file.write([b"last"])
    file.close()
    adopted = JournalFile(tmp_path / "a.journal")
    groups = adopted.read(after=adopted.relayed_through, bytes_max=10**6)
    assert [group.row for group in groups] == [6, 7, 8, 9, 10, 11]
    adopted.note_relayed(groups)
    assert adopted.loss() is None
    assert adopted.is_spent()
    adopted.close()


def modes_below(folder: Path) -> dict[str, int]:
    """Return the permissions of each file below a folder."""
    return {path.name: path.stat().st_mode & 0o777 for path in folder.rglob("*") if path.is_file()}


async def test_files_of_the_journal_are_private(tmp_path: Path) -> None:
    root = tmp_path / "journal"
    journal = Journal(root, SystemClock(), Telemetry("tracking"), bytes_max=10**9)
    await journal.open()
    await journal.put([b"x"])
    modes = modes_below(tmp_path)
    await journal.close()
    assert len(modes) >= 4
    assert set(modes.values()) == {0o600}, modes
