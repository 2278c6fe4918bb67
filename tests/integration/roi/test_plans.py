"""The catalog's frequent statements use indexes on tables without statistics (rule 5 of SQL)."""

import re
import uuid
from typing import Final

import pytest

from services.roi.store import (
    catalog,
    count_rows,
    goal_rows,
    idempotency,
    key_rows,
    link_code_rows,
    outbox,
    people_rows,
    rate_rows,
)
from shared.db.engine import driver
from tests.fixtures.postgres import DatabaseFactory

ID: Final = str(uuid.uuid4())
STATEMENTS: Final = {
    "by id": catalog._BY_ID,
    "by external id": catalog._BY_EXTERNAL_ID,
    "page": catalog._PAGE,
    "versions": catalog._VERSIONS,
    "supersede": catalog._SUPERSEDE,
    "key": str(key_rows._LOOK_UP).replace(":sha256", "$1"),
    "claim": link_code_rows._CLAIM,
    "idempotency": idempotency._FIND,
    "outdated": outbox._OUTDATED,
    "published again": catalog._SOME,
    "goal": goal_rows._GOAL,
    "goals of an export": goal_rows._PAGE,
    "campaigns with goals": goal_rows._CAMPAIGNS,
    "exchange rates": rate_rows._EXCHANGE,
    "value rates": rate_rows._VALUE,
    "leads": people_rows.LEADS,
    "records of leads": people_rows.RECORDS,
    "what people bought": people_rows.BOUGHT,
    "people of conversions": people_rows.PEOPLE,
    "reports that stand": count_rows.STANDING,
    "report of a place": count_rows.STANDING_AT,
    "imports that were undone": count_rows.UNDONE_IMPORTS,
    "placements of an import": count_rows.PLACEMENTS_OF_IMPORT,
    "first position of an undo": count_rows.FIRST_POSITION,
}


@pytest.mark.parametrize("name", sorted(STATEMENTS))
async def test_no_statement_reads_a_whole_table(
    database_for: DatabaseFactory, young_database: str, name: str
) -> None:
    database = await database_for("roi", url=young_database)
    statement = STATEMENTS[name]
    count = max(int(number) for number in re.findall(r"\$(\d+)", statement))
    async with database.write([ID]) as conn:
        pg = await driver(conn)
        await pg.execute(f"PREPARE asked AS {statement}")
        # A generic plan is what a service that runs for days uses.
        await pg.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        rows = await pg.fetch(f"EXPLAIN EXECUTE asked({', '.join(['NULL'] * count)})")
        await pg.execute("DEALLOCATE asked")
    plan = "\n".join(row[0] for row in rows)
    assert "Seq Scan" not in plan, plan
