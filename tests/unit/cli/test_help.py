"""`laurel --help` lists every command, and every command has a help text."""

import os

import pytest
from typer.testing import CliRunner

from services.cli.__main__ import app

COMMANDS = (
    "run",
    "demo",
    "doctor",
    "roi",
    "goals",
    "explain",
    "verify",
    "keys",
    "migrate",
    "import",
    "undo",
)
CLEAN = {name: None for name in os.environ if name.startswith("LAUREL_")} | {"COLUMNS": "120"}


def test_the_guide_names_every_command_and_where_to_start() -> None:
    shown = CliRunner().invoke(app, ["--help"], env=CLEAN)
    assert shown.exit_code == 0
    for expected in (*COMMANDS, "Start here", "laurel demo", "Ask and check", "Set up and repair"):
        assert expected in shown.output


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str) -> None:
    shown = CliRunner().invoke(app, [command, "--help"], env=CLEAN)
    assert shown.exit_code == 0
    assert "Usage" in shown.output
