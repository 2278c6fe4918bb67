"""The README: its commands run as written and print what the text shows.

Its other commands run elsewhere: `laurel migrate` and `laurel run <service>` in test_story.py,
docker-compose in tests/architecture/test_compose.py, and the program of `make kafka` in every test
on Kafka.
"""

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
# `make` with the environment of this test, so that it sets up none.
MAKE: Final = ("make", "--old-file=.venv/.ready", f"BIN={BIN}")
STOP_SECONDS_MAX: Final = 30
LINES_MAX: Final = 150
COLUMNS_MAX: Final = 120

pytestmark = pytest.mark.xdist_group("e2e")


@pytest.fixture
def made(scratch: Path) -> Iterator[Installation]:
    """A ready Laurel that `make run` started."""
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
        # Ctrl-C in a terminal reaches the whole process group.
        os.killpg(process.pid, signal.SIGINT)
        process.wait(STOP_SECONDS_MAX)
        laurel.stop()


def block_after(marker: str, language: str) -> str:
    """Return the code block of the README after a comment."""
    text = (ROOT / "README.md").read_text()
    found = re.search(rf"<!-- {marker} -->\n```{language}\n(.*?)```", text, re.DOTALL)
    assert found is not None, marker
    return found.group(1)


def readme_script(laurel: Installation, command: str = f"{BIN}/laurel") -> str:
    """Return the executed block of the README, with the ports and the command of `laurel`."""
    script = block_after("executed by tests/e2e/test_readme.py", "bash")
    script = script.replace(".venv/bin/laurel", command)
    for service in SERVICES:
        script = script.replace(f":{DEFAULT_PORTS[service]}/", f":{laurel.ports[service]}/")
    return script


def masked(text: str) -> list[str]:
    """Return the words of a text without line breaks, with each time replaced."""
    return re.sub(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}", "<time>", text).split()


def figures(laurel: Installation) -> dict[str, Any]:
    """Return the answer of the workspace `main` without `meta`, which has the time."""
    answer = laurel.client("roi").get("/v1/roi", params={"group_by": "creator"}).json()
    del answer["meta"]
    assert answer["rows"]
    return dict(answer)


def run(laurel: Installation, *words: str) -> str:
    """Run a command that must succeed; return its output."""
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
    """Run `make run`, compare the output of the first sale, then run the demo."""
    printed = run(made, "bash", "-euo", "pipefail", "-c", readme_script(made))
    shown = block_after("compared by tests/e2e/test_readme.py, but for times", "text")
    assert masked(printed) == masked(shown)
    assert "the ledger balances" in run(made, *MAKE, "verify")
    before = figures(made)
    assert "Reach is not return" in run(made, *MAKE, "demo")
    assert figures(made) == before, "the demo has a workspace of its own"
    told = run(made, str(BIN / "laurel"), "explain", "1187", "--workspace", "demo")
    assert "Order 1187 brought 62.50 EUR net." in told
    assert "the ledger balances" in run(made, str(BIN / "laurel"), "verify", "--workspace", "demo")
    assert "Everything needed is here." in run(made, *MAKE, "doctor")


def test_the_readme_is_short_and_readable() -> None:
    lines = (ROOT / "README.md").read_text().splitlines()
    assert len(lines) <= LINES_MAX
    assert [line for line in lines if len(line) > COLUMNS_MAX] == []


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
    named = set(re.findall(r"\blaurel (?!-)([a-z-]+)[^`\n]*`", text))
    assert named
    assert named <= known
