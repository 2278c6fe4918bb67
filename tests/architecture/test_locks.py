"""The lock files: they satisfy every dependency, with hashes and without addresses."""

import re
import tomllib
from pathlib import Path
from typing import Final

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT: Final = Path(__file__).resolve().parents[2]
PIN: Final = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)", re.MULTILINE)


def wanted(extra: bool) -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = list(project["dependencies"])
    if extra:
        lines += project["optional-dependencies"]["dev"]
    return [Requirement(line) for line in lines]


@pytest.mark.parametrize(
    ("lock", "extra"), [("requirements.lock", False), ("requirements-dev.lock", True)]
)
def test_the_lock_satisfies_the_project(lock: str, extra: bool) -> None:
    pinned = {
        canonicalize_name(name): version for name, version in PIN.findall((ROOT / lock).read_text())
    }
    behind = [
        str(requirement)
        for requirement in wanted(extra)
        if not requirement.specifier.contains(
            pinned.get(canonicalize_name(requirement.name), ""), prereleases=True
        )
    ]
    assert not behind, f"run 'make lock': {lock} does not satisfy {behind}"


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_the_lock_has_hashes_and_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text()
    pins = PIN.findall(text)
    entries = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)
    unhashed = [
        entry.split("\n")[0]
        for entry in entries
        if PIN.match(entry) and "--hash=sha256:" not in entry
    ]
    assert len(pins) > 20
    assert not unhashed
    assert "://" not in text


def test_both_locks_agree() -> None:
    runtime = dict(PIN.findall((ROOT / "requirements.lock").read_text()))
    development = dict(PIN.findall((ROOT / "requirements-dev.lock").read_text()))
    assert runtime.items() <= development.items(), "run 'make lock'"
