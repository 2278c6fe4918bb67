"""The lowest declared versions of the dependencies: the sale of the README runs with them.

A lower bound in `pyproject.toml` is a promise to people who install Laurel beside other packages.
Only the libraries named there have their lowest version; the dependencies of those are new.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.e2e.installation import Installation
from tests.e2e.test_readme import ROOT, block_after, masked, readme_script, run

UV: Final = str(Path(sys.executable).parent / "uv")

# It uses the function of the unit test, so both versions get the same check.
ASK_FOR_NAMES: Final = (
    "from tests.unit.shared.test_kafka_timeouts import missing_names; print(*missing_names())"
)

pytestmark = pytest.mark.xdist_group("e2e")


@pytest.fixture
def lowest(scratch: Path) -> Iterator[Installation]:
    """A ready Laurel on its embedded Postgres, in an environment of the lowest versions."""
    folder = scratch / "lowest"
    python = str(folder / "bin" / "python")
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, str(folder)], check=True)
    chosen = ("--python", python, "--resolution", "lowest-direct")
    subprocess.run(
        [UV, "pip", "install", "--quiet", *chosen, "--requirements", str(ROOT / "pyproject.toml")],
        check=True,
    )
    laurel = Installation(scratch, {"PYTHONPATH": str(ROOT)}, python=python)
    laurel.start("run")
    try:
        laurel.wait_until_ready()
        yield laurel
    finally:
        laurel.stop()


def test_the_lowest_declared_versions_carry_the_first_sale(lowest: Installation) -> None:
    script = readme_script(lowest, f"{lowest.python} -m services.cli")
    printed = run(lowest, "bash", "-euo", "pipefail", "-c", script)
    shown = block_after("compared by tests/e2e/test_readme.py, but for times", "text")
    assert masked(printed) == masked(shown)
    assert run(lowest, lowest.python, "-c", ASK_FOR_NAMES).strip() == ""
