"""The kinds of installation on which the story runs."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest

from services.cli import postgres_folder
from tests.e2e.installation import SERVICES, Installation
from tests.fixtures.debian_postgres import DebianPostgres, debian_postgres_bin

KINDS: Final = ("embedded", "kafka", "postgres15")


@pytest.fixture
def scratch() -> Iterator[Path]:
    """A short path that another user can enter (Postgres refuses to run as root)."""
    folder = Path(tempfile.mkdtemp(prefix="laurel-e2e-"))
    folder.chmod(0o755)
    yield folder
    # As root the embedded Postgres is elsewhere, where its own user can reach it.
    postgres_folder.remove((folder / "data").resolve())
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=KINDS)
def laurel(request: pytest.FixtureRequest, scratch: Path) -> Iterator[Installation]:
    """A ready Laurel of one kind, empty."""
    with ExitStack() as stack:
        start = {"embedded": embedded, "kafka": on_kafka, "postgres15": on_postgres_15}[
            request.param
        ]
        yield start(request, scratch, stack)


def embedded(_: pytest.FixtureRequest, scratch: Path, stack: ExitStack) -> Installation:
    """Start `laurel run`: the supervisor, and the embedded Postgres as database and log."""
    installation = Installation(scratch)
    stack.callback(installation.stop)
    installation.start("run")
    installation.wait_until_ready()
    return installation


def separately(installation: Installation, stack: ExitStack) -> Installation:
    """Run `laurel migrate`, then each service as a separate process, as a deployment does."""
    stack.callback(installation.stop)
    migrated = installation.command("migrate")
    assert migrated.returncode == 0, migrated.stdout + migrated.stderr
    for service in SERVICES:
        installation.start("run", service)
    installation.wait_until_ready()
    return installation


def on_kafka(request: pytest.FixtureRequest, scratch: Path, stack: ExitStack) -> Installation:
    """Start three separate processes with Apache Kafka as the log, and a Postgres."""
    server = request.getfixturevalue("own_kafka")
    database = request.getfixturevalue("blank_database")
    extra = {"LAUREL_LOG": f"kafka://{server.bootstrap}", "LAUREL_DATABASE_URL": database}
    return separately(Installation(scratch, extra), stack)


def on_postgres_15(_: pytest.FixtureRequest, scratch: Path, stack: ExitStack) -> Installation:
    """Start three separate processes with the PostgreSQL 15 of Debian as database and log."""
    folder = debian_postgres_bin(15)
    if folder is None:
        pytest.skip("PostgreSQL 15 is missing: install the Debian package postgresql-15")
    server = stack.enter_context(DebianPostgres(folder, scratch / "pg15"))
    return separately(Installation(scratch, {"LAUREL_DATABASE_URL": server.url}), stack)
