"""A failure of the command line: a sentence that says what to do, and an exit code."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.cli.__main__ import app
from shared.errors import LaurelError

CLEAN = {name: None for name in os.environ if name.startswith("LAUREL_")} | {"COLUMNS": "120"}


@pytest.mark.parametrize(
    ("words", "environment", "expected"),
    [
        (["migrate"], {"LAUREL_DATABSE_URL": "x"}, "LAUREL_DATABASE_URL"),
        (["migrate"], {"LAUREL_SECRET_KEY": "s" * 32}, "laurel run"),
        (["verify"], {}, "laurel run"),
        (["verify"], {"LAUREL_ADMIN_KEY": "short"}, "LAUREL_ADMIN_KEY"),
        (["keys", "create", "--workspace", "x", "--scopes", "fly"], {}, "--scopes"),
        (["keys", "create", "--workspace", "x", "--public", "--scopes", "admin"], {}, "collect"),
    ],
)
def test_a_failure_says_what_to_do(
    words: list[str], environment: dict[str, str], expected: str, tmp_path: Path
) -> None:
    folder = {"LAUREL_DATA_DIR": str(tmp_path / "data")}
    shown = CliRunner().invoke(app, words, env=CLEAN | folder | environment)
    assert isinstance(shown.exception, LaurelError)
    assert expected in str(shown.exception)


def test_a_service_that_does_not_answer_is_one_sentence_and_exit_code_2() -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LAUREL_")}
    own = {"LAUREL_ADMIN_KEY": "lrl_sec_abcdefgh_" + "x" * 32, "LAUREL_ATTRIBUTION_PORT": "9"}
    shown = subprocess.run(
        [sys.executable, "-m", "services.cli", "explain", "1001"],
        env=kept | own,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert shown.returncode == 2
    assert shown.stderr.startswith("Laurel: attribution does not answer")
    assert "laurel doctor" in shown.stderr
    assert "Traceback" not in shown.stderr
