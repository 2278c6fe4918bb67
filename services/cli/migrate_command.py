"""`laurel migrate`: bring the database and its roles to the newest revision."""

import asyncio

from services.cli.console import out
from services.cli.profile import find_owner
from shared.db.migrate import SCHEMAS
from shared.db.migrate import migrate as migrate_database
from shared.settings import Settings


def migrate() -> None:
    """Prepare a database: schemas, tables, and one log-in per service.

    Uses LAUREL_DATABASE_URL (the owner's) and LAUREL_SECRET_KEY, else the Postgres of a running
    `laurel run`. Running it again changes nothing.
    """
    owner = find_owner(Settings.load())
    with out.status("migrating"):
        asyncio.run(migrate_database(owner.url, owner.secret_key))
    out.print(f"[good]✓[/] the schemas {', '.join(SCHEMAS)} are at their newest revision")
