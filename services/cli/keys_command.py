"""`laurel keys`: make and list API keys with the log-in of the database owner."""

import asyncio
from typing import Annotated, Any, Final, get_args

import typer
from rich.table import Table

from services.cli.console import err, out, plain
from services.cli.profile import Api, Owner, find_owner, load_profile
from services.roi.bootstrap import create_key, ensure_workspace
from shared.catalog import Scope
from shared.clock import SystemClock
from shared.db.engine import Database
from shared.db.roles import service_url
from shared.errors import ConfigurationError
from shared.sealing import new_api_key
from shared.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Make and list API keys.")

_SCOPES: Final = get_args(Scope)
_PUBLIC_SCOPES: Final = ("collect",)


@app.command()
def create(
    workspace: Annotated[str, typer.Option(help="Its name; made if it is new.")],
    scopes: Annotated[str, typer.Option(help="Comma-separated: " + ", ".join(_SCOPES))] = "",
    public: Annotated[
        bool, typer.Option("--public", help="A key that may stand in a web page (scope collect).")
    ] = False,
    name: Annotated[str, typer.Option(help="What it is for, shown in lists.")] = "command line",
) -> None:
    """Make an API key and print it once.

    It writes to the database of LAUREL_DATABASE_URL and LAUREL_SECRET_KEY, else to that of a
    running `laurel run`. The key works on all services within a second.
    """
    chosen = _chosen(scopes, public=public)
    owner = find_owner(Settings.load())
    key = new_api_key(public=public)
    asyncio.run(_create(owner, workspace, key, chosen, name, public=public))
    err.print(
        f"[good]✓[/] a key of workspace {workspace} with scopes {', '.join(chosen)};"
        " it is not shown again:"
    )
    plain(key)


@app.command("list")
def list_keys() -> None:
    """List names and scopes of the keys in the workspace of the admin key, without the keys."""
    asyncio.run(_list())


def _chosen(scopes: str, *, public: bool) -> tuple[str, ...]:
    named = tuple(dict.fromkeys(part.strip() for part in scopes.split(",") if part.strip()))
    unknown = [scope for scope in named if scope not in _SCOPES]
    if unknown:
        raise ConfigurationError(f"--scopes: {unknown[0]!r} is none of {', '.join(_SCOPES)}")
    if public:
        if set(named) - set(_PUBLIC_SCOPES):
            raise ConfigurationError("--public keys stand in web pages and have scope collect only")
        return _PUBLIC_SCOPES
    return named or ("track", "read", "write")


async def _create(
    owner: Owner, workspace: str, key: str, scopes: tuple[str, ...], name: str, *, public: bool
) -> None:
    clock = SystemClock()
    url = service_url(owner.url, "roi", owner.secret_key)
    database = Database(url, application_name="laurel-keys", pool_size=1)
    await database.open()
    try:
        workspace_id = await ensure_workspace(database, clock, workspace)
        await create_key(
            database, clock, workspace_id, key=key, scopes=scopes, public=public, name=name
        )
    finally:
        await database.close()


async def _list() -> None:
    async with Api(load_profile(Settings.load())) as api:
        found: list[dict[str, Any]] = await api.items("roi", "/v1/keys")
    table = Table(box=None, pad_edge=False)
    for heading in ("name", "scopes", "public", "created", "id"):
        table.add_column(heading)
    for key in found:
        scopes = ", ".join(key["scopes"])
        public = "yes" if key.get("public") else ""
        table.add_row(key.get("name") or "", scopes, public, key["created_at"], key["id"])
    out.print(table)
