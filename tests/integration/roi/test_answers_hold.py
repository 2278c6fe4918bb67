"""Invariants of every answer: rows + organic = totals, repeatable as of a moment, indexed SQL."""

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from services.roi.answers import catalog_sql, sql
from services.roi.answers.cost_views import CostView
from services.roi.answers.dictionary import DIMENSIONS, MEASURES, METRICS
from services.roi.answers.kinds import Entity, Fact
from services.roi.answers.plan import Shape
from services.roi.answers.question import BASES
from services.roi.answers.sql_parts import Compiled
from services.roi.answers.tables import TABLES, Source
from services.roi.answers.values import Unit
from services.roi.store import count_rows, rollups
from services.roi.store.count_rows import CHANGES_STAGING, REPORTS_STAGING
from services.roi.store.rollups import ENTRIES_STAGING, TALLIES_STAGING
from shared.credits import ORGANIC
from shared.db.engine import Database, driver
from shared.db.migrate import migrate
from shared.ids import new_id
from tests.fixtures.postgres import DatabaseFactory, PostgresServer
from tests.integration.roi.catalog_facts import placement_facts
from tests.integration.roi.random_brand import Brand
from tests.integration.roi.roi_workspace import NOON, RoiWorkspace

ADDITIVE = [metric for metric in METRICS.values() if metric.additive]
HEADLINES = ("program", "brand", "organic", "overhead", "totals")
# Each pair of dimensions is requested from one of these workspaces.
BRANDS = 3
STAGED = (ENTRIES_STAGING, TALLIES_STAGING, REPORTS_STAGING, CHANGES_STAGING)
GROUPS = [*DIMENSIONS, *(",".join(pair) for pair in permutations(DIMENSIONS, 2))]


async def a_brand(database: Database, seed: int, **settings: str) -> Brand:
    brand = Brand(await RoiWorkspace.open(database, **settings), seed)
    await brand.start()
    for _ in range(6):
        await brand.roi.fold(*brand.records(8))
        await brand.step()
    return brand


def by_currency(value: Any, unit: Unit) -> dict[str, Any]:
    """A measure as currency → number; without a currency under ''."""
    if unit is not Unit.MONEY:
        # A count that nobody reported adds nothing.
        return {"": round((value or 0) * 1_000_000)}
    # A return that is not known adds nothing.
    listed = value if isinstance(value, list) else [value] if value is not None else []
    return {item["currency"]: item["amount_minor"] or 0 for item in listed}


def check_sums(answer: dict[str, Any]) -> None:
    """Rows + organic = totals = headlines, model by model, for every additive measure."""
    lists_models = isinstance(answer["totals"], list)
    totals, organic, *others = (
        answer[name] if lists_models else [answer[name]]
        for name in ("totals", "organic", "program", "brand", "overhead")
    )
    assert set(totals[0]) == {metric.id for metric in ADDITIVE} | (
        {"model", "compared"} & set(totals[0])
    )
    for whole, nobody, *headlines in zip(totals, organic, *others, strict=True):
        rows = [
            row["measures"]
            for row in answer["rows"]
            if not lists_models or row["group"]["model"] == whole["model"]
        ]
        of_rows = [] if answer["meta"]["overlapping"] else [(*rows, nobody)]
        for metric in ADDITIVE:
            for parts in (*of_rows, (*headlines, nobody)):
                sums = dict.fromkeys(by_currency(whole[metric.id], metric.unit), 0)
                for measures in parts:
                    for currency, number in by_currency(measures[metric.id], metric.unit).items():
                        sums[currency] += number
                assert sums == by_currency(whole[metric.id], metric.unit), metric.id


@pytest.mark.parametrize("seed", range(BRANDS))
async def test_rows_and_organic_add_up_to_the_totals_for_every_pair(
    database_for: DatabaseFactory, seed: int
) -> None:
    brand = await a_brand(await database_for("roi"), seed, time_zone="Asia/Kathmandu")
    await brand.roi.margin(333_333)
    totals: dict[str, Any] = {}
    for index, group_by in enumerate(GROUPS[seed::BRANDS]):
        by = BASES[index % 2]
        answer = await brand.roi.ask(group_by, by=by)
        assert answer["rows"], group_by
        check_sums(answer)
        if "model" not in group_by:
            totals.setdefault(by, headlines(answer))
            assert headlines(answer) == totals[by], f"{group_by} changes the headlines"
        past = datetime.fromisoformat(answer["meta"]["as_of"]) - timedelta(days=3)
        check_sums(await brand.roi.ask(group_by, by=by, as_of=past))


@pytest.mark.parametrize("seed", range(BRANDS))
async def test_rows_of_a_part_add_up_to_its_headline_figure(
    database_for: DatabaseFactory, seed: int
) -> None:
    """By day and without: `program`, with costs that no placement carries, and `brand`."""
    brand = await a_brand(await database_for("roi"), 50 + seed, time_zone="Asia/Kathmandu")
    await brand.roi.margin(333_333)
    await brand.roi.cost(9_999, "2026-03-09", campaign_id=brand.campaigns[1])
    past = brand.roi.now - timedelta(days=3)
    for group_by in ("part,day", "day,part", "part"):
        for as_of, by in ((None, BASES[0]), (past, BASES[0]), (None, BASES[1])):
            answer = await brand.roi.ask(group_by, as_of=as_of, by=by)
            check_sums(answer)
            rows = {part: parts_of(answer, part) for part in ("program", "brand", None)}
            assert sum(map(len, rows.values())) == len(answer["rows"])
            for part in ("program", "brand"):
                assert added(rows[part]) == added([answer[part]]), (group_by, part)
            assert added(rows[None]) == added([answer["overhead"]])
    nobody = await brand.roi.ask("part", filters={"part": "organic"})
    assert not nobody["rows"]
    assert added([nobody["totals"]]) == added([nobody["organic"]])
    assert any(added([nobody["organic"]]).values())


def parts_of(answer: dict[str, Any], part: str | None) -> list[dict[str, Any]]:
    """Return the measures of the rows of a part."""
    return [row["measures"] for row in answer["rows"] if row["group"]["part"] == part]


def added(parts: list[dict[str, Any]]) -> dict[tuple[str, str], int]:
    """Return the sums of every additive measure, by its id and currency, without zeros."""
    found: Counter[tuple[str, str]] = Counter()
    for measures in parts:
        for metric in ADDITIVE:
            for currency, number in by_currency(measures[metric.id], metric.unit).items():
                found[metric.id, currency] += number
    return {key: number for key, number in found.items() if number}


def headlines(answer: dict[str, Any]) -> dict[str, Any]:
    """Return all that does not depend on the rows."""
    return {name: answer[name] for name in HEADLINES}


async def figures(
    brand: Brand, group_by: str, by: str, as_of: datetime | None = None
) -> dict[str, Any]:
    """Return an answer without labels, which are always the present ones."""
    days = ("2026-02-05", "2026-03-31")  # a part by days and a month that may be read whole
    answer = await brand.roi.ask(group_by, by=by, days=days, as_of=as_of)
    for row in answer["rows"]:
        del row["label"]
    # The source tables are no figure: present rollups answer now, history answers later.
    del answer["meta"]["source"]
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
            await brand.roi.fold(*brand.records(3))
    for ask, answer in asked:
        moment = datetime.fromisoformat(answer["meta"]["as_of"])
        assert await figures(brand, *ask, as_of=moment) == answer
    latest = await brand.roi.ask()
    assert await brand.roi.ask(as_of=NOON + timedelta(days=999)) == latest


async def test_fresh_to_and_sequence_name_the_last_record_in_the_answer(
    database_for: DatabaseFactory,
) -> None:
    roi = await RoiWorkspace.open(await database_for("roi"))
    records = [roi.order(100, NOON, {ORGANIC: (100, None)}) for _ in range(3)]
    await roi.fold(*records)
    moments = [record.recorded_at for record in records]
    for number, moment in enumerate(moments, start=1):
        meta = (await roi.ask(as_of=moment))["meta"]
        assert (meta["sequence"], datetime.fromisoformat(meta["fresh_to"])) == (number, moment)
        before = (await roi.ask(as_of=moment - timedelta(microseconds=1)))["meta"]
        assert before["sequence"] == number - 1


async def test_the_order_of_arrival_does_not_show(database_for: DatabaseFactory) -> None:
    """Two record orders with the same net result give equal figures now (I3)."""
    database = await database_for("roi")
    answers_seen = []
    mia, reel = new_id(), new_id()
    for straight in (True, False):
        roi = await RoiWorkspace.open(database)
        await roi.put("creator", {"name": "Mia"}, entity_id=mia)
        await roi.put("placement", placement_facts(mia), entity_id=reel)
        if not straight:
            detour = {ORGANIC: (500, None)}
            await roi.fold(roi.order(500, NOON, detour, currency="USD"))
        await roi.fold(roi.order(500, NOON, {reel: (500, NOON)}))
        if not straight:
            undo = {ORGANIC: (-500, None)}
            await roi.fold(roi.order(-500, NOON, undo, currency="USD", units=-1_000_000))
        answer = await roi.ask("creator,stage")
        answers_seen.append({name: answer[name] for name in ("rows", "organic", "totals")})
    assert answers_seen[0] == answers_seen[1]


def every_statement() -> dict[str, tuple[str, tuple[Any, ...]]]:
    """Return the statements of the fold's batch path with their arguments."""
    workspace, at = [new_id()], [NOON]
    zones = (workspace, ["UTC"], [0])
    return {
        "move": (rollups.MOVE_OFFSET, ("laurel.credits", 0, 0, 1)),
        "states": (rollups.STATES, (workspace,)),
        "waiting": (rollups.WAITING, (workspace, [1], 100)),
        "park": (rollups.PARK, ([1], workspace, [b"{}"])),
        "unpark": (rollups.UNPARK, ([1], workspace)),
        "remember": (rollups.REMEMBER, ([1], workspace, at, at)),
        "store states": (rollups.STORE_STATES, (workspace, [1], [None], [None])),
        "stop": (rollups.STOP, (workspace[0], "a gap")),
        "tick": (rollups.TICK_CLOCKS, (workspace, at)),
        "store entries": (rollups.STORE_ENTRIES, ()),
        "store tallies": (rollups.STORE_TALLIES, ()),
        **{f"credits {n}": (sql, zones) for n, sql in enumerate(rollups.ADD_CREDITS)},
        **{f"touches {n}": (sql, zones) for n, sql in enumerate(rollups.ADD_TOUCHES)},
        "undone imports": (count_rows.UNDONE_IMPORTS, (workspace, workspace)),
        "standing counts": (count_rows.STANDING, (workspace, workspace, 10, None)),
        "store reports": (count_rows.STORE_REPORTS, ()),
        "store changes": (count_rows.STORE_CHANGES, ()),
        **{f"counts {n}": (sql, zones) for n, sql in enumerate(count_rows.ADD_COUNTS)},
    }


async def explain(database: Database, sql: str, arguments: tuple[Any, ...]) -> list[str]:
    """Return the plan of a statement on empty tables without statistics."""
    async with database.write([new_id()]) as conn:
        connection = await driver(conn)
        for statement in (*rollups.STAGING_TABLES, *count_rows.STAGING_TABLES.values()):
            await connection.execute(statement)
        rows = await connection.fetch(f"EXPLAIN {sql}", *arguments)
    return [row[0] for row in rows]


async def test_no_statement_of_the_batch_path_scans_a_table(
    database_for: DatabaseFactory, fresh_database: str
) -> None:
    database = await database_for("roi", url=fresh_database)
    for name, (statement, given) in every_statement().items():
        lines = await explain(database, statement, given)
        scans = [line for line in lines if "Seq Scan" in line]
        staged = [line for line in scans if any(name in line for name in STAGED)]
        assert scans == staged, f"{name}:\n" + "\n".join(lines)


MEASURES_OF = {
    fact: tuple(measure for measure in MEASURES.values() if measure.fact is fact) for fact in Fact
}


SUMMED = (Fact.CREDITS, Fact.TOUCHES, Fact.COUNTS)


def shape(fact: Fact, *sources: Source, moments: int = 0, basis: str = "touch_time") -> Shape:
    """Return a planned statement that groups by everything possible."""
    columns = () if fact is Fact.COUNTS else ("stage",)
    return Shape(fact, sources, moments, basis, MEASURES_OF[fact], columns, by_account=True)


def arguments(workspace_id: str) -> dict[str, Any]:
    """Return an argument for every name in the statements of answers."""
    day = NOON.date()
    return {
        "workspace_id": workspace_id,
        "time_zone": "UTC",
        "as_of": NOON,
        "generation": 0,
        "recorded_day": day,
        "days": [day],
        "months": [day.replace(day=1)],
        "starts": [day.replace(day=1)],
        "margin_starts": [day.replace(day=1)],
        "margin_ends": [day.replace(month=12)],
        "margins": [500_000],
        "models": ["last"],
        "brand_accounts": [workspace_id],
        "owners": [workspace_id],
        "from_at_0": NOON,
        "to_at_0": NOON,
        "first_on_0": day,
        "last_on_0": day,
        "from_on": day,
        "to_on": day,
        "from_at": NOON,
        "to_at": NOON,
        "ids": [workspace_id],
        **{f"only_{name}": ["12"] for name in RAW_COLUMNS},
    }


RAW_COLUMNS = ("local_hour", "link_id", "code", "sub_source")
NARROWED: dict[str, Any] = {"columns": RAW_COLUMNS, "narrowed": RAW_COLUMNS}
STATEMENTS = {
    **{
        f"{fact} of {' and '.join(sources)}": sql.sums(shape(fact, *sources))
        for fact in SUMMED
        for sources in (
            (Source.MONTHS, Source.DAYS),
            (Source.DAYS,),
            (Source.HISTORY, Source.RECORDED_DAY),
        )
    },
    **{
        f"credits between moments by {basis}": sql.sums(shape(Fact.CREDITS, moments=1, basis=basis))
        for basis in BASES
    },
    **{
        f"{fact} of named columns": sql.sums(replace(shape(fact, moments=1), **narrowed))
        for fact, narrowed in (
            (Fact.CREDITS, NARROWED | {"columns": (*RAW_COLUMNS, "new_customer")}),
            (Fact.TOUCHES, NARROWED),
        )
    },
    "known ids": catalog_sql.known_ids("creator"),
    "touches between moments": sql.sums(shape(Fact.TOUCHES, moments=1)),
    "counts between moments": sql.sums(shape(Fact.COUNTS, moments=1)),
    **{
        f"{fact} by headline": sql.sums(
            replace(shape(fact, Source.MONTHS, Source.DAYS, moments=1), by_account=False)
        )
        for fact in SUMMED
    },
    "placements of headlines": catalog_sql.placements_of_headlines(),
    **{f"names of {entity}": catalog_sql.names(entity) for entity in (*Entity, "store")},
    **{f"facts of {entity}": catalog_sql.entity_facts(entity, ("country",)) for entity in Entity},
    "margins": catalog_sql.margins(),
    **{
        f"costs of {'times' if by_times else 'days'}, {view}": catalog_sql.costs(
            MEASURES_OF[Fact.COSTS], view, by_times=by_times
        )
        for view in CostView
        for by_times in (False, True)
    },
}


async def test_no_statement_of_an_answer_scans_a_table(
    database_for: DatabaseFactory, fresh_database: str
) -> None:
    database = await database_for("roi", url=fresh_database)
    given = arguments(new_id())
    for name, statement in STATEMENTS.items():
        plan = await explain(database, statement.text, tuple(statement.arguments(**given)))
        assert not [line for line in plan if "Seq Scan" in line], "\n".join((name, *plan))


@pytest.mark.parametrize(
    ("table", "statement"),
    [
        (TABLES[fact, source].name, sql.sums(shape(fact, source)))
        for fact in SUMMED
        for source in (Source.MONTHS, Source.DAYS, Source.HISTORY)
    ],
)
async def test_every_column_of_a_rollups_key_up_to_the_model_is_an_index_condition(
    database_for: DatabaseFactory, fresh_database: str, table: str, statement: Compiled
) -> None:
    database = await database_for("roi", url=fresh_database)
    given = statement.arguments(**arguments(new_id()))
    plan = "\n".join(await explain(database, statement.text, tuple(given)))
    conditions = [line for line in plan.split("\n") if "Index Cond" in line]
    assert conditions, plan
    kind = {"touch": "touch_kind", "count": "metric"}.get(table.partition("_")[0], "model")
    for column in ("bucket_on", "workspace_id", "generation", kind):
        assert any(column in line for line in conditions), plan


async def pages_read(roi: RoiWorkspace) -> int:
    """Return the pages read for the sums of NOON's day and month."""
    statement = sql.sums(shape(Fact.CREDITS, Source.MONTHS, Source.DAYS, basis="conversion_time"))
    given = statement.arguments(**arguments(roi.workspace_id))
    async with roi.database.read([roi.workspace_id]) as conn:
        connection = await driver(conn)
        plan = await connection.fetchval(
            f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement.text}", *given
        )
    read = plan[0]["Plan"]
    return int(read["Shared Hit Blocks"]) + int(read["Shared Read Blocks"])


async def test_what_an_answer_reads_does_not_grow_with_the_batches_that_were_folded(
    database_for: DatabaseFactory, own_postgres: PostgresServer, secret_key: str
) -> None:
    # A separate server: a long transaction keeps replaced row versions in all its databases.
    await migrate(own_postgres.owner_url, secret_key)
    roi = await RoiWorkspace.open(await database_for("roi", url=own_postgres.owner_url))
    accounts = [new_id() for _ in range(80)]
    pages: list[int] = []
    for _ in range(6):
        orders = [roi.order(100, NOON, {account: (100, NOON)}) for account in accounts]
        await roi.fold(*orders)
        pages.append(await pages_read(roi))
    assert max(pages) <= 1.5 * pages[0], pages
