"""A `laurel run` with default settings: the embedded Postgres, and keys that it makes itself."""

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
# The last line that a ready Laurel prints: the first may be in the file before the others.
ANNOUNCED = "  stop         Ctrl-C"


@pytest.fixture
def empty() -> Iterator[Installation]:
    """An installation that is not started; it is removed after the test."""
    yield from an_installation()


@pytest.fixture(scope="module")
def laurel() -> Iterator[Installation]:
    """A ready installation, shared by the tests of a file."""
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
    """Wait until the output has the words `times` times; return the output."""
    path = installation.folder / "run.log"

    def look() -> str | None:
        said = path.read_text(errors="replace")
        process = installation.processes["run"]
        assert process.poll() is None or said.count(words) >= times, said
        return said if said.count(words) >= times else None

    return eventually(look, seconds=READY_SECONDS_MAX, what=f"Laurel prints {words!r}")


def processes_of(installation: Installation) -> dict[int, str]:
    """Return the command line of every process of an installation, the supervisor included."""
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
    """Return the id of the one process whose command line has the words."""
    (found,) = [number for number, line in processes_of(installation).items() if words in line]
    return found
