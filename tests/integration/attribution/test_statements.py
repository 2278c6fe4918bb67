"""SQL rules: no batch statement scans a table; every table not exempt forces row security."""

import importlib
import re
from collections.abc import Iterator
from types import ModuleType

import pytest

from services.attribution import tables
from services.attribution.store import order_rows, read_queries
from services.attribution.store.attention import KINDS
from services.attribution.store.attention_rows import statement_of_order
from tests.fixtures.connections import connect
from tests.fixtures.postgres import PostgresServer

STORES = (
    "offset_rows",
    "event_rows",
    "identity_rows",
    "tie_rows",
    "dissolved_rows",
    "cut_rows",
    "scope_queries",
    "decision_rows",
    "outbox_rows",
    "published_rows",
    "catalog_rows",
    "recompute_rows",
    "repeat_rows",
)
# Not on the batch path: read page by page, by HTTP or by the relay.
OFF_THE_PATH = {
    "ALL_WORKSPACES",
    "LIST_DEAD_LETTERS",
    "PICK_DEAD_LETTERS",
    "RESOLVE_DEAD_LETTERS",
    "WORKSPACES_WITH_DUE",
    "DUE_DEAD_LETTERS",
    "POSTPONE_DEAD_LETTER",
    "SEE",
    "WAITING",
    "TRY_RELAY",
    "LETTER_COLUMNS",
    "READ_WAITING",
}
# The relay reads up to its LIMIT; the key of the workspaces table is the workspace.
WALKERS = ("outbox_rows.READ_OUTBOX", "offset_rows.READ_WORKSPACES")
EXEMPT = {
    "offsets": "a partition holds many workspaces; no person's data",
    "workspaces": "counters by workspace; read before any workspace is known",
    "key_hashes": "a key's hash leads to its workspace",
    "alembic_version": "the history's own version",
}
WORD = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b")


def statements() -> Iterator[tuple[str, str]]:
    """Every constant of the stores that is a statement of the batch path."""
    for name in STORES:
        module: ModuleType = importlib.import_module(f"services.attribution.store.{name}")
        for constant, value in sorted(vars(module).items()):
            elsewhere = (
                constant.startswith("_") or constant in OFF_THE_PATH or hasattr(tables, constant)
            )
            if constant.isupper() and isinstance(value, str) and not elsewhere:
                assert WORD.match(value), f"{constant} is no statement: name it in OFF_THE_PATH"
                yield f"{name}.{constant}", value


def test_the_list_is_whole() -> None:
    names = {name for name, _ in statements()}
    assert {
        "event_rows.INSERT_TOUCHES",
        "scope_queries.JOURNEYS",
        "decision_rows.INSERT_LEDGER",
    } <= names
    assert len(names) >= 35


@pytest.mark.parametrize("name", [name for name, _ in statements()])
async def test_no_batch_statement_scans_a_table(young_database: str, name: str) -> None:
    statement = dict(statements())[name]
    conn = await connect(young_database)
    transaction = conn.transaction()
    await transaction.start()
    try:
        # Use the service's role: its policy and settings are part of the plan.
        await conn.execute("SET LOCAL ROLE laurel_attribution")
        await conn.execute("SET LOCAL jit = off")
        await conn.execute(
            "SELECT set_config('laurel.workspaces', '{00000000-0000-0000-0000-000000000001}', true)"
        )
        await conn.execute(tables.STAGE_TABLES)
        await conn.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        await conn.execute(f"PREPARE probe AS {statement}")
        count = len(set(re.findall(r"\$\d+", statement)))
        arguments = f"({', '.join(['NULL'] * count)})" if count else ""
        rows = await conn.fetch(f"EXPLAIN (COSTS OFF) EXECUTE probe{arguments}")
        plan = "\n".join(row[0] for row in rows)
    finally:
        await transaction.rollback()
        await conn.close()
    scanned = re.findall(r"Seq Scan on (\S+)", plan)
    assert all(table.startswith("stage_") for table in scanned), plan
    # A walk through a whole index, or all of a workspace's part of it, counts as a scan.
    walks = re.findall(r"Index (?:Only )?Scan [^\n]*\n(?!\s*Index Cond)", plan)
    # An index that starts with the workspace is named so.
    conditions = re.findall(r"(?<!_of_workspace) on [^\n]*\n\s*Index Cond: (.*)", plan)
    walks += [
        c for c in conditions if not re.search(r'\("?(?!workspace_id)[a-z_0-9]+"? (=|>|<)', c)
    ]
    assert not walks or name in WALKERS, plan


async def test_every_table_is_under_forced_row_level_security(
    postgres_server: PostgresServer, owner_url: str
) -> None:
    conn = await connect(owner_url)
    try:
        rows = await conn.fetch(
            "SELECT relname, relrowsecurity AND relforcerowsecurity FROM pg_class"
            " WHERE relnamespace = 'attribution'::regnamespace AND relkind = 'r'"
        )
        weak = await conn.fetch(
            "SELECT table_name, privilege_type FROM information_schema.role_table_grants"
            " WHERE grantee = 'laurel_attribution' AND table_schema = 'attribution'"
            " AND table_name IN ('ledger', 'decisions', 'sent_tallies')"
            " AND privilege_type NOT IN ('SELECT', 'INSERT')"
        )
        uniques = await conn.fetch(
            "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid)"
            " FROM pg_index JOIN pg_class ON oid = indrelid"
            " WHERE indisunique AND relnamespace = 'attribution'::regnamespace"
        )
    finally:
        await conn.close()
    assert {row[0] for row in rows if not row[1]} == set(EXEMPT)
    assert weak == []
    without = [row[0] for row in uniques if "workspace_id" not in row[1]]
    assert all(any(name in index for name in EXEMPT) for index in without), without


# What a workspace has much of; the attention of one order is looked up by keys.
LARGE = {"evidence", "touches", "conversions", "decisions", "decision_subjects", "ties", "ledger"}


async def plan_of(url: str, statement: str) -> str:
    """Return the plan for any arguments, with an index wherever one can be used.

    Small tables are scanned where an index would do, so scans are made dear.
    """
    conn = await connect(url)
    transaction = conn.transaction()
    await transaction.start()
    try:
        await conn.execute("SET LOCAL ROLE laurel_attribution")
        await conn.execute("SET LOCAL jit = off")
        await conn.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        await conn.execute("SET LOCAL enable_seqscan = off")
        await conn.execute(
            "SELECT set_config('laurel.workspaces', '{00000000-0000-0000-0000-000000000001}', true)"
        )
        await conn.execute(f"PREPARE probe AS {statement}")
        count = len(set(re.findall(r"\$\d+", statement)))
        arguments = f"({', '.join(['NULL'] * count)})" if count else ""
        rows = await conn.fetch(f"EXPLAIN (COSTS OFF) EXECUTE probe{arguments}")
    finally:
        await transaction.rollback()
        await conn.close()
    return "\n".join(row[0] for row in rows)


@pytest.mark.parametrize("kind", KINDS)
async def test_the_attention_of_one_order_scans_no_large_table(
    young_database: str, kind: str
) -> None:
    plan = await plan_of(young_database, statement_of_order(KINDS[kind]))
    scanned = set(re.findall(r"Seq Scan on (\S+)", plan))
    walked = set(re.findall(r"Index (?:Only )?Scan [^\n]* on (\S+)[^\n]*\n(?!\s*Index Cond)", plan))
    assert not (scanned | walked) & LARGE, plan


# What reads the catalog by kinds: the list of orders, and the names of stores.
OF_KINDS = {
    "ZONE": order_rows.ZONE,
    "OBJECTS": order_rows.OBJECTS,
    "CREATORS": order_rows.CREATORS,
    "CONTENT": order_rows.CONTENT,
    "STORES": read_queries.STORES,
    "near_codes": KINDS["near_codes"].found,
}


@pytest.mark.parametrize("name", OF_KINDS)
async def test_the_objects_of_a_kind_are_found_by_an_index(young_database: str, name: str) -> None:
    """The catalog has the objects of all brands; a search reads those of a kind of its own."""
    plan = await plan_of(young_database, OF_KINDS[name])
    assert "Seq Scan on catalog" not in plan, plan
    conditions = re.findall(r"catalog_of_kind\b[^\n]*\n\s*Index Cond: (.*)", plan)
    assert conditions, plan
    for condition in conditions:
        assert re.search(r"\bentity = ", condition), plan
        assert re.search(r"\bworkspace_id = ", condition), plan
