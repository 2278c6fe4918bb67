"""The table of bounds in docs/bounds.md names constants of the code with their counts."""

import importlib
import re
from pathlib import Path
from typing import Final

import pytest

from shared.settings import Settings

ROOT: Final = Path(__file__).resolve().parents[2]
ROW: Final = re.compile(
    r"^\| [^|]+ \| ([0-9,]+) \| `((?:services|shared)/[a-z_/]+)\.py` `([A-Z_]+)` \|", re.M
)
SETTING: Final = re.compile(r"^\| [^|]+ \| ([0-9,]+): `LAUREL_([A-Z_]+)` \|", re.M)
TESTS: Final = re.compile(r"\| `(tests/[^`]+)` \|$", re.M)


def bounds() -> str:
    return (ROOT / "docs/bounds.md").read_text()


@pytest.mark.parametrize(("count", "module", "name"), ROW.findall(bounds()))
def test_a_bound_is_the_constant_that_it_names(count: str, module: str, name: str) -> None:
    found = getattr(importlib.import_module(module.replace("/", ".")), name)
    assert found == int(count.replace(",", ""))


def test_a_bound_that_is_a_setting_shows_its_default() -> None:
    shown = {
        field.lower(): int(count.replace(",", "")) for count, field in SETTING.findall(bounds())
    }
    defaults = {name: Settings.model_fields[name].default for name in shown}
    assert shown == defaults
    assert set(shown) == {
        *(name for name in Settings.model_fields if name.endswith("_a_minute")),
        "journal_bytes",
    }


def test_every_bound_names_a_test() -> None:
    rows = [line for line in bounds().splitlines() if line.startswith("| ")][1:]
    tests = TESTS.findall(bounds())
    assert len(tests) == len(rows) >= 20
    assert [path for path in tests if not (ROOT / path).exists()] == []
    assert len(ROW.findall(bounds())) >= 30
