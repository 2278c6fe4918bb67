"""What must hold for every answer: rows + organic = totals, an answer is reproduced as of its moment, and statements use their keys."""

import random
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from services.roi.domain.answer import BASES, DIMENSIONS
from services.roi.domain.metrics.dictionary import DICTIONARY, Unit
from services.roi.store import answers, rollups
from services.roi.store.rollups import ENTRIES_STAGE, TALLIES_STAGE
from shared.credits import ORGANIC, AnyCredits
from shared.db.engine import Database, driver
from shared.db.migrate import migrate
from shared.ids import automatic_placement_id, new_id
from tests.fixtures.postgres import DatabaseFactory, PostgresServer
from tests.integration.roi.books import NOON, Books, cost_facts, placement_facts

ADDITIVE = [metric for metric in DICTIONARY if metric.additive]
GROUPS = [*DIMENSIONS, *(",".join(pair) for pair in permutations(DIMENSIONS, 2))]


class Brand:
    """A believable brand that grows by random steps: creators, corrected placements, costs, margins, orders, refunds, clicks."""

    def __init__(self, books: Books, seed: int) -> None:
        self.books = books
        self.chance = random.Random(seed)
        self.creators: list[str] = []
        self.campaigns: list[str] = []
        self.placements: list[str] = []
        self.costs: list[str] = []

    async def start(self) -> None:
        """Two creators, a campaign, three placements (one the brand's own)."""
        for name in ("Mia", "Jo"):
            self.creators.append(await self.books.creator(name))
        self.campaigns = [await self.books.campaign(name) for name in ("Spring", "Empty")]
        for creator in (*self.creators, None):
            self.placements.append(await self.books.placement(creator, self.campaigns[0]))
        self.placements.append(automatic_placement_id(self.books.workspace_id, self.creators[0]))

    def moment(self) -> datetime:
        """Some quarter of an hour of March 2026."""
        return datetime(2026, 3, 1, tzinfo=UTC) + timedelta(
            minutes=15 * self.chance.randrange(96 * 30)
        )

    def records(self, count: int) -> list[AnyCredits]:
        """Orders over several accounts and currencies, leads, reversals and clicks."""
        found: list[AnyCredits] = []
        for _ in range(count):
            self.books.now += timedelta(hours=self.chance.randrange(9))
            at = self.moment()
            if self.chance.random() < 0.3:
                account = self.chance.choice(self.placements)
                found.append(self.books.clicks(account, at, self.chance.randrange(-1, 30)))
                continue
            accounts = self.chance.sample([*self.placements, ORGANIC], 2)
            amounts = [self.chance.randrange(-300, 20_000) for _ in accounts]
            touched = [at - timedelta(hours=self.chance.randrange(300)) for _ in accounts]
            shares: dict[str, tuple[int, datetime | None]] = {
                account: (amount, None if account == ORGANIC else when)
                for account, amount, when in zip(accounts, amounts, touched, strict=True)
            }
            kind = self.chance.choice(["purchase", "purchase", "renewal", "lead"])
            money = {"currency": self.chance.choice(["EUR", "EUR", "JPY"]), "kind": kind}
            stage = self.chance.choice(["purchase", "retention"])
            found.append(self.books.order(sum(amounts), at, shares, stage=stage, **money))
        return found

    async def step(self) -> None:
        """One change of the catalog."""
        chance, books = self.chance, self.books
        day = f"2026-03-{chance.randrange(1, 31):02}"
        match chance.randrange(6):
            case 0:
                owner = chance.choice(
                    [
                        {"creator_id": chance.choice(self.creators)},
                        {"campaign_id": chance.choice(self.campaigns)},
                        {"placement_id": chance.choice(self.placements)},
                    ]
                )
                currency = chance.choice(["EUR", "JPY"])
                self.costs.append(
                    await books.cost(chance.randrange(1, 9_999), day, currency, **owner)
                )
            case 1:
                await self._correct()
            case 2:
                await books.margin(
                    chance.randrange(1_000_000), chance.choice([None, self.moment()])
                )
            case 3 if self.costs:
                await books.put("cost", entity_id=chance.choice(self.costs), archived=True)
            case 4 if self.costs:
                owner = {"creator_id": chance.choice(self.creators)}
                facts = cost_facts(chance.randrange(1, 9_999), day, **owner)
                await books.put("cost", facts, entity_id=chance.choice(self.costs))
            case _:
                await books.put(
                    "placement", entity_id=chance.choice(self.placements[:3]), archived=True
                )

    async def _correct(self) -> None:
        """A placement is corrected: it was another owner's all along."""
        owner = self.chance.choice([*self.creators, None])
        home = self.chance.choice([*self.campaigns, None])
        facts = placement_facts(owner, home, self.chance.choice(["instagram", "tiktok"]))
        placement = self.chance.choice(self.placements[:3])
        await self.books.put("placement", facts, entity_id=placement)


async def a_brand(database: Database, seed: int, **settings: str) -> Brand:
    brand = Brand(await Books.open(database, **settings), seed)
    await brand.start()
    for _ in range(6):
        await brand.books.fold(*brand.records(8))
        await brand.step()
    return brand


def by_currency(value: Any, unit: Unit) -> dict[str, Any]:
    """A measure as currency → number; without a currency under ''."""
    if unit is not Unit.MONEY:
        return {"": round(value * 1_000_000)}
    listed = value if isinstance(value, list) else [value]
    return {item["currency"]: item["amount_minor"] for item in listed}


def check_sums(answer: dict[str, Any]) -> None:
    """Rows + organic = totals, model by model, for every additive measure."""
    lists_models = isinstance(answer["totals"], list)
    totals = answer["totals"] if lists_models else [answer["totals"]]
    organic = answer["organic"] if lists_models else [answer["organic"]]
    for whole, nobody in zip(totals, organic, strict=True):
        rows = [
            row["measures"]
            for row in answer["rows"]
            if not lists_models or row["group"]["model"] == whole["model"]
        ]
        for metric in ADDITIVE:
            sums = dict.fromkeys(by_currency(whole[metric.id], metric.unit), 0)
            for measures in (*rows, nobody):
                for currency, number in by_currency(measures[metric.id], metric.unit).items():
                    sums[currency] += number
            assert sums == by_currency(whole[metric.id], metric.unit), metric.id


@pytest.mark.parametrize("seed", range(3))
async def test_rows_and_organic_add_up_to_the_totals_for_every_pair(
    database_for: DatabaseFactory, seed: int
) -> None:
    brand = await a_brand(await database_for("roi"), seed, time_zone="Asia/Kathmandu")
    await brand.books.margin(333_333)
    totals: dict[str, Any] = {}
    for index, group_by in enumerate(GROUPS):
        by = BASES[(index + seed) % 2]
        answer = await brand.books.ask(group_by, by=by)
        assert answer["rows"], group_by
        check_sums(answer)
        if "model" not in group_by:
            totals.setdefault(by, answer["totals"])
            assert answer["totals"] == totals[by], f"{group_by} changes the totals"
        past = datetime.fromisoformat(answer["meta"]["as_of"]) - timedelta(days=3)
        check_sums(await brand.books.ask(group_by, by=by, as_of=past))


async def figures(
    brand: Brand, group_by: str, by: str, as_of: datetime | None = None
) -> dict[str, Any]:
    """An answer without its labels, which are always today's."""
    days = ("2026-02-05", "2026-03-31")  # a part by days and a month that may be read whole
    answer = await brand.books.ask(group_by, by=by, days=days, as_of=as_of)
    for row in answer["rows"]:
        del row["label"]
    return answer


@pytest.mark.parametrize("seed", range(4))
async def test_an_answer_is_reproduced_as_of_its_moment_for_ever(
    database_for: DatabaseFactory, seed: int
) -> None:
    brand = await a_brand(await database_for("roi"), 100 + seed, time_zone="Europe/Berlin")
    asked: list[tuple[tuple[str, str], dict[str, Any]]] = []
    for index in range(12):
        ask = (brand.chance.choice(GROUPS), brand.chance.choice(BASES))
        asked.append((ask, await figures(brand, *ask)))
        if index % 3 == 0:
            await brand.step()
        else:
            await brand.books.fold(*brand.records(3))
    for ask, answer in asked:
        moment = datetime.fromisoformat(answer["meta"]["as_of"])
        assert await figures(brand, *ask, as_of=moment) == answer
    latest = await brand.books.ask()
    assert await brand.books.ask(as_of=NOON + timedelta(days=999)) == latest


async def test_fresh_to_and_sequence_name_the_last_record_in_the_answer(
    database_for: DatabaseFactory,
) -> None:
    books = await Books.open(await database_for("roi"))
    records = [books.order(100, NOON, {ORGANIC: (100, None)}) for _ in range(3)]
    await books.fold(*records)
    moments = [record.recorded_at for record in records]
    for number, moment in enumerate(moments, start=1):
        meta = (await books.ask(as_of=moment))["meta"]
        assert (meta["sequence"], datetime.fromisoformat(meta["fresh_to"])) == (number, moment)
        before = (await books.ask(as_of=moment - timedelta(microseconds=1)))["meta"]
        assert before["sequence"] == number - 1


async def test_the_order_of_arrival_does_not_show(database_for: DatabaseFactory) -> None:
    """The same net story told in two orders, with detours, gives equal figures now (I3)."""
    database = await database_for("roi")
    answers_seen = []
    mia, reel = new_id(), new_id()
    for straight in (True, False):
        books = await Books.open(database)
        await books.put("creator", {"name": "Mia"}, entity_id=mia)
        await books.put("placement", placement_facts(mia), entity_id=reel)
        if not straight:
            detour = {ORGANIC: (500, None)}
            await books.fold(books.order(500, NOON, detour, currency="USD"))
        await books.fold(books.order(500, NOON, {reel: (500, NOON)}))
        if not straight:
            undo = {ORGANIC: (-500, None)}
            await books.fold(books.order(-500, NOON, undo, currency="USD", units=-1_000_000))
        answer = await books.ask("creator,stage")
        answers_seen.append({name: answer[name] for name in ("rows", "organic", "totals")})
    assert answers_seen[0] == answers_seen[1]


def every_statement() -> dict[str, tuple[str, tuple[Any, ...]]]:
    """The statements of the fold's batch path, with arguments as the batch gives them."""
    workspace, at = [new_id()], [NOON]
    zones = (workspace, ["UTC"], [0])
    return {
        "move": (rollups.MOVE_OFFSET, ("laurel.credits", 0, 0, 1)),
        "states": (rollups.STATES, (workspace,)),
        "waiting": (rollups.WAITING, (workspace, [1], 100)),
        "park": (rollups.PARK, ([1], workspace, [b"{}"])),
        "unpark": (rollups.UNPARK, ([1], workspace)),
        "remember": (rollups.REMEMBER, ([1], workspace, at, at)),
        "store states": (rollups.STORE_STATES, (workspace, [1], [None])),
        "tick": (rollups.TICK_CLOCKS, (workspace, at)),
        "store entries": (rollups.STORE_ENTRIES, ()),
        "store tallies": (rollups.STORE_TALLIES, ()),
        **{f"credits {n}": (sql, zones) for n, sql in enumerate(rollups.ADD_CREDITS)},
        **{f"touches {n}": (sql, zones) for n, sql in enumerate(rollups.ADD_TOUCHES)},
    }


async def explain(database: Database, sql: str, arguments: tuple[Any, ...]) -> list[str]:
    """The plan of a statement on empty, never-analysed tables."""
    async with database.write([new_id()]) as conn:
        connection = await driver(conn)
        for statement in rollups.STAGES:
            await connection.execute(statement)
        rows = await connection.fetch(f"EXPLAIN {sql}", *arguments)
    return [row[0] for row in rows]


async def test_no_statement_of_the_batch_path_scans_a_table(
    database_for: DatabaseFactory, fresh_database: str
) -> None:
    database = await database_for("roi", url=fresh_database)
    for name, (sql, arguments) in every_statement().items():
        lines = await explain(database, sql, arguments)
        scans = [line for line in lines if "Seq Scan" in line]
        staged = [line for line in scans if ENTRIES_STAGE in line or TALLIES_STAGE in line]
        assert scans == staged, f"{name}:\n" + "\n".join(lines)


async def test_sums_are_read_by_their_keys(
    database_for: DatabaseFactory, fresh_database: str
) -> None:
    database = await database_for("roi", url=fresh_database)
    span = (new_id(), [NOON.date()], [NOON.date()])
    choice, past = ("touch_time", ["last"]), (NOON.date(), NOON, "UTC")
    edge = (span[0], NOON, span[1], NOON, NOON.date(), NOON.date(), NOON, "UTC")
    for template, source, arguments in (
        (answers.SUM_CREDITS, answers.CREDITS_NOW, (*span, *choice, span[1], 0)),
        (answers.SUM_CREDITS, answers.CREDITS_THEN, (*span, *choice, *past, 0)),
        (answers.SUM_TOUCHES, answers.TOUCHES_NOW, (*span, span[1], 0)),
        (answers.SUM_TOUCHES, answers.TOUCHES_THEN, (*span, *past, 0)),
        *(
            (answers.SUM_CREDITS, answers.CREDITS_OF_EDGE.format(moment=moment), (*edge, ["last"]))
            for moment in answers.MOMENTS.values()
        ),
        (answers.SUM_TOUCHES, answers.TOUCHES_OF_EDGE, edge),
    ):
        sql = template.format(source=source, account="r.account", stage="r.stage")
        plan = await explain(database, sql, arguments)
        assert not [line for line in plan if "Seq Scan" in line], "\n".join(plan)


async def pages_read(books: Books) -> int:
    """The pages that the sums of NOON's day and month touch."""
    day, month = NOON.date(), NOON.date().replace(day=1)
    sql = answers.SUM_CREDITS.format(
        source=answers.CREDITS_NOW, account="r.account", stage="NULL::text"
    )
    arguments = (books.workspace_id, [day], [month], "conversion_time", ["last"], [month], 0)
    async with books.database.read([books.workspace_id]) as conn:
        connection = await driver(conn)
        plan = await connection.fetchval(
            f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}", *arguments
        )
    read = plan[0]["Plan"]
    return int(read["Shared Hit Blocks"]) + int(read["Shared Read Blocks"])


async def test_what_an_answer_reads_does_not_grow_with_the_batches_that_were_folded(
    database_for: DatabaseFactory, own_postgres: PostgresServer, secret_key: str
) -> None:
    # A server of its own: a long transaction in any database of a server keeps replaced row versions in all of them.
    await migrate(own_postgres.owner_url, secret_key)
    books = await Books.open(await database_for("roi", url=own_postgres.owner_url))
    accounts = [new_id() for _ in range(80)]
    pages: list[int] = []
    for _ in range(6):
        orders = [books.order(100, NOON, {account: (100, NOON)}) for account in accounts]
        await books.fold(*orders)
        pages.append(await pages_read(books))
    assert max(pages) <= 1.5 * pages[0], pages
