"""The README as a new user reads it: its commands run as written, and the answers they print say what the text says.

Where else its commands run: `laurel migrate` and `laurel run tracking|attribution|roi` in test_story.py (separate processes on Kafka and
on PostgreSQL 15), docker-compose in tests/architecture/test_compose.py, `make kafka`'s program under every Kafka test, and `make test`
is what runs all this.
"""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from typer.main import get_group

from services.cli.__main__ import app
from tests.e2e.installation import ADMIN_KEY, SERVICES, Installation

ROOT: Final = Path(__file__).resolve().parents[2]
BIN: Final = Path(sys.executable).parent
DEFAULT_PORTS: Final = {"tracking": 8001, "attribution": 8002, "roi": 8003}
# `make` as a user types it, in the environment that runs this test instead of one that it would have to set up.
MAKE: Final = ("make", "--old-file=.venv/.ready", f"BIN={BIN}")
STOP_SECONDS_MAX: Final = 30

pytestmark = pytest.mark.xdist_group("e2e")


@pytest.fixture
def made(scratch: Path) -> Iterator[Installation]:
    """A Laurel started by `make run`."""
    laurel = Installation(scratch)
    with (scratch / "make-run.log").open("ab") as output:
        process = subprocess.Popen(
            [*MAKE, "run"],
            cwd=ROOT,
            env=laurel.environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    laurel.processes["make-run"] = process
    try:
        laurel.wait_until_ready()
        yield laurel
    finally:
        # Ctrl-C reaches everything that the terminal runs, not make alone.
        os.killpg(process.pid, signal.SIGINT)
        process.wait(STOP_SECONDS_MAX)
        laurel.stop()


def readme_script(laurel: Installation, command: str = f"{BIN}/laurel") -> str:
    """The block that the README marks as executed, with this installation's ports and command."""
    text = (ROOT / "README.md").read_text()
    found = re.search(
        r"<!-- executed by tests/e2e/test_readme.py -->\n```bash\n(.*?)```", text, re.DOTALL
    )
    assert found is not None
    script = found.group(1).replace(".venv/bin/laurel", command)
    for service in SERVICES:
        script = script.replace(f":{DEFAULT_PORTS[service]}/", f":{laurel.ports[service]}/")
    return script


def objects(text: str) -> list[Any]:
    """The JSON objects that a text prints among other lines."""
    decoder = json.JSONDecoder()
    found: list[Any] = []
    at = text.find("{\n")
    while at >= 0:
        body, end = decoder.raw_decode(text, at)
        found.append(body)
        at = text.find("{\n", end)
    return found


def run(laurel: Installation, *words: str) -> str:
    """What a command prints that must succeed."""
    done = subprocess.run(
        words,
        cwd=ROOT,
        env={**laurel.environment, "KEY": ADMIN_KEY},
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_readme_works_as_written(made: Installation) -> None:
    """In its order: `make run`, `make demo` beside it, the first tracked sale, why, and the proof."""
    assert "Reach is not return" in run(made, *MAKE, "demo")
    printed = run(made, "bash", "-euo", "pipefail", "-c", readme_script(made))
    answer, why = objects(printed)
    mia = next(row for row in answer["rows"] if row["label"] == "Mia")
    assert mia["measures"]["roi"] == 1.495
    assert why["status"] == "credited"
    assert "Order bag-1 brought 49.90 EUR net." in printed
    assert "because the buyer clicked a link of Mia" in printed
    assert "the books hold" in printed
    assert "the books hold" in run(made, *MAKE, "verify")
    assert "Everything needed is here." in run(made, *MAKE, "doctor")


def test_every_make_target_it_names_exists() -> None:
    text = (ROOT / "README.md").read_text() + (ROOT / "CONTRIBUTING.md").read_text()
    listed = subprocess.run(
        ["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    known = set(re.findall(r"make ([a-z-]+)", listed))
    named = set(re.findall(r"`make ([a-z-]+)", text)) | set(
        re.findall(r"^make ([a-z-]+)", text, re.MULTILINE)
    )
    assert named
    assert named <= known
    assert all(len(line) <= 80 for line in listed.splitlines()), "help fits a terminal"


def test_every_laurel_command_it_names_exists() -> None:
    text = (ROOT / "README.md").read_text() + (ROOT / "CONTRIBUTING.md").read_text()
    known = set(get_group(app).commands)
    named = set(re.findall(r"\blaurel (?!-)([a-z]+)[^`\n]*`", text))
    assert named
    assert named <= known
