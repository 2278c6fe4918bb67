"""A `laurel run` with everything at its default: embedded Postgres, keys of its own making."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.cli import postgres_folder
from tests.e2e.installation import READY_SECONDS_MAX, Installation, eventually

# An empty value means "not set": Laurel makes both keys itself.
OWN_KEYS = {"LAUREL_ADMIN_KEY": "", "LAUREL_SECRET_KEY": ""}
# The last line of what a ready Laurel says, line by line: the first one alone may stand in the file before the others.
ANNOUNCED = "  stop         Ctrl-C"


@pytest.fixture
def empty() -> Iterator[Installation]:
    """An installation that has not been started; nothing of it is left afterwards."""
    yield from an_installation()


@pytest.fixture(scope="module")
def laurel() -> Iterator[Installation]:
    """One that runs and is ready, shared by the tests of a file."""
    for installation in an_installation():
        installation.start("run")
        await_words(installation, ANNOUNCED)
        yield installation


def an_installation() -> Iterator[Installation]:
    folder = Path(tempfile.mkdtemp(prefix="laurel-cli-"))
    installation = Installation(folder, OWN_KEYS)
    try:
        yield installation
    finally:
        installation.stop()
        postgres_folder.remove((folder / "data").resolve())
        shutil.rmtree(folder, ignore_errors=True)


def await_words(installation: Installation, words: str, times: int = 1) -> str:
    """Wait until the running Laurel said something for the n-th time; everything that it said."""
    path = installation.folder / "run.log"

    def look() -> str | None:
        said = path.read_text(errors="replace")
        process = installation.processes["run"]
        assert process.poll() is None or said.count(words) >= times, said
        return said if said.count(words) >= times else None

    return eventually(look, seconds=READY_SECONDS_MAX, what=f"Laurel says {words!r}")


def processes_of(installation: Installation) -> dict[int, str]:
    """Every living process that belongs to an installation, by its environment; the supervisor is among them."""
    mine = f"LAUREL_DATA_DIR={installation.folder.resolve() / 'data'}"
    found = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdecimal() or int(folder.name) == os.getpid():
            continue
        try:
            if mine in (folder / "environ").read_text(errors="replace").split("\0"):
                found[int(folder.name)] = (folder / "cmdline").read_text().replace("\0", " ")
        except OSError:
            continue
    return found


def process_of(installation: Installation, words: str) -> int:
    """The one process whose command line holds the words."""
    (found,) = [number for number, line in processes_of(installation).items() if words in line]
    return found
