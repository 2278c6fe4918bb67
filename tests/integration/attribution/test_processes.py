"""Two attribution processes share workspaces, one is killed, and the ledger equals the oracle's.

Promise: the processes are real, and one real Postgres is both database and log. The events of a
workspace have different keys here, so both processes work on each workspace at the same time. No
deployment does that.
"""

import asyncio
import re
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from random import Random
from zlib import crc32

import asyncpg
import httpx
import pytest

from services.attribution.app import EVENTS_GROUP
from shared.catalog import AnyCatalogRecord, catalog_key, encode_catalog
from shared.clock import SystemClock
from shared.credits import decode_credits
from shared.errors import Transient
from shared.events import AnyEvent, encode_event
from shared.ids import new_id
from shared.log.port import Record
from shared.log.postgres import PostgresLog
from shared.log.topics import CATALOG, CREDITS, DEAD_LETTER, EVENTS, Topic
from tests.e2e.installation import READY_SECONDS_MAX, Installation, free_ports
from tests.fixtures.postgres import DatabaseFactory
from tests.integration.attribution.attribution_pipeline import AttributionPipeline
from tests.integration.attribution.random_story import RandomStory
from tests.integration.attribution.story import Story
from tests.integration.attribution.test_order import check

pytestmark = pytest.mark.xdist_group("e2e")

NAMES = ("first", "second")
# The first one lives on; the second has two lives.
VICTIM = NAMES[1]
SEEDS = range(3)
WORKSPACES = 3
EVENTS_EACH = 70
POISON = 6
PAUSE_SECONDS_MAX = 0.04
LOOK_SECONDS = 0.05
# When the victim dies: after so many records more.
FIRST_LIFE_RECORDS = (5, 60)
# What it does not see of the history until it is back.
HELD_BACK_PERCENT = 35

_COUNTED = re.compile(
    r'laurel_batch_records_total\{outcome="(\w+)",topic="laurel\.events"\} ([0-9.e+]+)'
)
HOLDERS = """
SELECT pid, count(*) FROM pg_locks JOIN pg_database AS d ON d.oid = database
WHERE locktype = 'advisory' AND granted AND objsubid = 2
 AND classid = $1::bigint::oid AND objid::bigint < 256
  AND datname = current_database() GROUP BY pid
"""
UNREAD = """
SELECT sum(p.next_offset - coalesce(o.next_offset, 0))::bigint FROM log.partitions AS p
LEFT JOIN attribution.offsets AS o USING (topic, partition) WHERE topic = ANY ($1::text[])
"""
WAITING = (
    "SELECT (SELECT count(*) FROM attribution.recomputes)"
    " + (SELECT count(*) FROM attribution.outbox)"
)
STORED = """
SELECT event_id, workspace_id FROM attribution.touches WHERE NOT derived
UNION SELECT event_id, workspace_id FROM attribution.evidence
"""
REFUSED = (
    "SELECT count(*), count(DISTINCT value) FROM attribution.dead_letters"
    " WHERE reason NOT IN ('currency_mismatch')"
)
READ = "SELECT sum(next_offset)::bigint FROM attribution.offsets WHERE topic = $1"
NUMBERED = """
SELECT w.workspace_id::text, w.last_sequence, array(
    SELECT DISTINCT sequence FROM attribution.ledger AS l WHERE l.workspace_id = w.workspace_id
    UNION SELECT DISTINCT sequence FROM attribution.decisions AS d
    WHERE d.workspace_id = w.workspace_id AND sequence IS NOT NULL
) FROM attribution.workspaces AS w
"""


@dataclass
class World:
    """Records to write: events in small portions, repeats, bad bytes, facts and corrections."""

    random: Random
    stories: list[Story] = field(
        default_factory=lambda: [Story(new_id()) for _ in range(WORKSPACES)]
    )

    def __post_init__(self) -> None:
        chances = [RandomStory(story, self.random) for story in self.stories]
        # Under each id one payload: with two of them, the order of arrival says which stands.
        told = [event for random_story in chances for event in random_story.events(EVENTS_EACH)]
        self.events = list({event.event_id: event for event in told}.values())
        self.records = [record for random_story in chances for record in random_story.records()]

    def portions(self) -> list[tuple[list[Record], list[Record]]]:
        """(events, catalog records) of each append."""
        told = [e for e in self.events for _ in range(self.random.choice((1, 1, 1, 2, 3)))]
        mixed = [
            *map(self.record, told),
            *(Record(b"poison", self.random.randbytes(8)) for _ in range(POISON)),
        ]
        facts = [fact(record) for record in self.records]
        self.random.shuffle(mixed)
        portions: list[tuple[list[Record], list[Record]]] = []
        while mixed or facts:
            events, news = self.random.randrange(1, 6), self.random.choice((0, 0, 1))
            portions.append((mixed[:events], facts[:news]))
            del mixed[:events], facts[:news]
        return portions

    def told_of(self, story: Story) -> tuple[list[AnyEvent], list[AnyCatalogRecord]]:
        """What is told of one workspace."""
        name = story.workspace_id
        events = [event for event in self.events if event.workspace_id == name]
        return events, [record for record in self.records if record.workspace_id == name]

    def record(self, event: AnyEvent) -> Record:
        """An event under any key, so on any partition, each time another."""
        return Record(self.random.randbytes(4), encode_event(event))


def fact(record: AnyCatalogRecord) -> Record:
    """A catalog record as roi appends it."""
    return Record(catalog_key(record), encode_catalog(record))


class Pair:
    """The two processes, and the log and the database that they share."""

    def __init__(self, installation: Installation, conn: asyncpg.Connection, url: str) -> None:
        self.installation = installation
        self.conn = conn
        self.log = PostgresLog(url, SystemClock())
        self.client = httpx.AsyncClient(timeout=READY_SECONDS_MAX)
        self.ports = dict(zip(NAMES, free_ports(len(NAMES)), strict=True))
        # What the processes that were killed had counted.
        self.ended: list[Counter[str]] = []

    def start(self, name: str) -> None:
        """Start one of them."""
        own = {
            "LAUREL_ATTRIBUTION_PORT": str(self.ports[name]),
            "LAUREL_DATA_DIR": str(self.installation.folder / name),
        }
        self.installation.start(name=name, environment=own, module="services.attribution")

    def kill(self, name: str) -> None:
        """SIGKILL."""
        process = self.installation.processes[name]
        assert process.poll() is None, self.installation.output()
        process.kill()
        process.wait()

    async def counted(self, name: str) -> Counter[str]:
        """What a process has counted of the events that it read in this life, by outcome."""
        assert self.installation.processes[name].poll() is None, self.installation.output()
        answer = await self.client.get(f"http://127.0.0.1:{self.ports[name]}/metrics")
        found = _COUNTED.findall(answer.raise_for_status().text)
        return Counter({outcome: int(float(count)) for outcome, count in found})

    async def until(self, what: str, look: Callable[[], Awaitable[bool]]) -> None:
        """Wait until it is so; a process that ends by itself is a failure."""
        try:
            async with asyncio.timeout(READY_SECONDS_MAX):
                while not await look():
                    for name, process in self.installation.processes.items():
                        assert process.poll() is None, f"{name}:\n{self.installation.output()}"
                    await asyncio.sleep(LOOK_SECONDS)
        except TimeoutError:
            raise AssertionError(f"{what}: never\n{self.installation.output()}") from None

    async def both_at_work(self) -> bool:
        """Return whether each process answers and owns its half of the partitions.

        The locks of a killed process remain for a moment.
        """
        for port in self.ports.values():
            try:
                (await self.client.get(f"http://127.0.0.1:{port}/health/live")).raise_for_status()
            except httpx.TransportError:
                return False
        lock_class = crc32(f"{EVENTS_GROUP}:{EVENTS.name}".encode()) & 0x7FFF_FFFF
        held = [row[1] for row in await self.conn.fetch(HOLDERS, lock_class)]
        return held == [EVENTS.partitions // len(NAMES)] * len(NAMES)

    async def at_rest(self) -> bool:
        """Whether everything is read, decided again where it had to be, and published."""
        unread = await self.conn.fetchval(UNREAD, [EVENTS.name, CATALOG.name])
        return not unread and not await self.conn.fetchval(WAITING)

    async def append(self, topic: Topic, records: list[Record]) -> None:
        """Until the log says that it has them, as a relay does; then it may have them twice."""
        while True:
            try:
                return await self.log.append(topic, records)
            except Transient:
                await asyncio.sleep(PAUSE_SECONDS_MAX)

    async def tell(self, portions: list[tuple[list[Record], list[Record]]], random: Random) -> None:
        """Append portion by portion, with pauses that the seed draws."""
        for events, facts in portions:
            await self.append(CATALOG, facts)
            await self.append(EVENTS, events)
            await asyncio.sleep(random.random() * PAUSE_SECONDS_MAX)

    async def kill_at_work(self, records: int) -> None:
        """Kill the victim when it has handled so many records more, and start it again."""
        before = await self.counted(VICTIM)
        life = before

        async def has_handled() -> bool:
            nonlocal life
            life = await self.counted(VICTIM)
            return life.total() - before.total() >= records

        await self.until(f"{VICTIM} has handled {records} records", has_handled)
        self.kill(VICTIM)
        self.ended.append(life)
        self.start(VICTIM)

    async def lives(self) -> list[Counter[str]]:
        """What every process has counted in every life, the last two live."""
        return [*self.ended, *[await self.counted(name) for name in NAMES]]


@pytest.fixture
def installation(fresh_database: str) -> Iterator[Installation]:
    """Where the processes run; none is left behind."""
    with tempfile.TemporaryDirectory(prefix="laurel-pair-") as folder:
        installed = Installation(Path(folder), {"LAUREL_DATABASE_URL": fresh_database})
        yield installed
        installed.stop()


@pytest.fixture
async def pair(installation: Installation, fresh_database: str) -> AsyncIterator[Pair]:
    """Both processes, each with its half of the partitions."""
    conn = await asyncpg.connect(fresh_database)
    made = Pair(installation, conn, fresh_database)
    await made.log.open()
    await made.log.ensure_topics([EVENTS, CATALOG, CREDITS, DEAD_LETTER])
    for name in NAMES:
        made.start(name)
    await made.until("both are at work", made.both_at_work)
    yield made
    await made.client.aclose()
    await made.log.close()
    await conn.close()


@pytest.mark.timeout(600)
async def test_two_processes_one_of_them_killed_keep_the_books_of_the_oracle(
    pair: Pair, database_for: DatabaseFactory, fresh_database: str
) -> None:
    pipeline = AttributionPipeline(await database_for("attribution", url=fresh_database))
    worlds: list[World] = []
    for seed in SEEDS:
        worlds.append(World(Random(seed)))
        before = await pair.counted(NAMES[0])
        await told_while_one_dies(pair, worlds[-1], Random(seed))
        for story in worlds[-1].stories:
            events, records = worlds[-1].told_of(story)
            await check(pipeline, story.workspace_id, events, records)
        lives = await pair.lives()
        assert min(life.total() for life in [*lives[:-2], lives[-2] - before, lives[-1]]) > 0, lives
        await assert_nothing_lost(pair, worlds, lives)
        await assert_numbers_whole(pair, worlds)


async def told_while_one_dies(pair: Pair, world: World, random: Random) -> None:
    """One seed's story, up to the rest after it."""
    portions = world.portions()
    cut = len(portions) * (100 - HELD_BACK_PERCENT) // 100
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(pair.tell(portions[:cut], random))
        tasks.create_task(pair.kill_at_work(random.randrange(*FIRST_LIFE_RECORDS)))
    await pair.until("both are at work again", pair.both_at_work)
    await pair.tell(portions[cut:], random)
    await pair.until("everything is in the books", pair.at_rest)


async def assert_nothing_lost(pair: Pair, worlds: list[World], lives: list[Counter[str]]) -> None:
    """Records read = stored + duplicate + dead-lettered.

    The tables hold this exactly. The last counts of a killed process are lost.
    """
    stored = {(str(row[0]), str(row[1])) for row in await pair.conn.fetch(STORED)}
    events = [event for world in worlds for event in world.events]
    assert stored == {(event.event_id, event.workspace_id) for event in events}
    refused, poison = await pair.conn.fetchrow(REFUSED)
    assert poison == POISON * len(worlds)
    read = await pair.conn.fetchval(READ, EVENTS.name)
    assert read == sum((await pair.log.end_offsets(EVENTS)).values())
    assert read >= len(stored) + refused
    counted = sum(lives, Counter[str]())
    assert counted["stored"] <= len(stored)
    assert counted["dead_lettered"] <= refused
    assert counted.total() <= read


async def assert_numbers_whole(pair: Pair, worlds: list[World]) -> None:
    """Every workspace's numbers are on the log from 1 on in order; a repeat has equal content."""
    published: dict[str, dict[int, bytes]] = {}
    rows = await pair.conn.fetch(
        f'SELECT value FROM log."{CREDITS.name}" ORDER BY partition, record_offset'
    )
    for (value,) in rows:
        record = decode_credits(value)
        first = published.setdefault(record.workspace_id, {}).setdefault(record.sequence, value)
        assert first == value
    numbered = await pair.conn.fetch(NUMBERED)
    assert len([row for row in numbered if row[1]]) == WORKSPACES * len(worlds)
    for workspace, last, used in numbered:
        numbers = list(published.get(workspace, ()))
        assert numbers == list(range(1, last + 1))
        assert set(used) <= set(numbers)
        moments = [
            decode_credits(value).recorded_at for value in published.get(workspace, {}).values()
        ]
        assert all(earlier < later for earlier, later in pairwise(moments))
