"""The pages for people: their length, and the files, functions and links that they name.

Decisions have their four parts.
"""

import ast
import re
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
LINES_MAX: Final = 150
COLUMNS_MAX: Final = 120
WALK_FILES_MAX: Final = 12
PAGES: Final = (
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "SECURITY.md",
)
DECISIONS: Final = ROOT / "docs/decisions"
PARTS: Final = ("Context", "Decision", "Price", "What would change our mind")
STEP: Final = re.compile(r"^\d+\. `([\w./-]+)`: (.*)$", re.MULTILINE)


def defined_names(path: Path) -> set[str]:
    """Return the names of the functions, methods and classes of a file."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, kinds)}


def pages() -> list[Path]:
    return [*(ROOT / name for name in PAGES), *sorted(DECISIONS.glob("*.md"))]


@pytest.mark.parametrize("name", ["README.md", "ARCHITECTURE.md"])
def test_the_two_first_pages_are_short(name: str) -> None:
    assert len((ROOT / name).read_text().splitlines()) <= LINES_MAX


def test_lines_are_readable() -> None:
    wide = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in pages()
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if len(line) > COLUMNS_MAX
    ]
    assert wide == []


def test_pages_name_only_paths_that_exist() -> None:
    missing = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in pages()
        for name in re.findall(
            r"`((?:services|shared|deploy|tests|docs)/[\w./-]*)`", path.read_text()
        )
        if not (ROOT / name).exists()
    ]
    assert missing == []


def test_links_between_pages_lead_somewhere() -> None:
    broken = [
        f"{path.relative_to(ROOT)}: {target}"
        for path in pages()
        for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text())
        if not (path.parent / target).exists()
    ]
    assert broken == []


def test_the_walk_names_real_functions_of_few_files() -> None:
    walk = (ROOT / "ARCHITECTURE.md").read_text().split("## The walk")[1].split("\n## ")[0]
    steps = STEP.findall(walk)
    assert 5 <= len(steps) <= WALK_FILES_MAX
    assert len({path for path, _ in steps}) == len(steps)
    for path, told in steps:
        named = {name for name in re.findall(r"`(\w+)`", told) if "/" not in name}
        assert named, f"{path}: the step names no function"
        unknown = named - defined_names(ROOT / path)
        assert not unknown, f"{path} has no {sorted(unknown)}"


def test_every_decision_has_its_four_parts_and_its_line() -> None:
    files = sorted(path for path in DECISIONS.glob("*.md") if path.name != "README.md")
    index = (DECISIONS / "README.md").read_text()
    numbers = [int(path.name[:4]) for path in files]
    assert numbers == list(range(1, len(files) + 1)), "numbers are taken once and in order"
    for path in files:
        text = path.read_text()
        title = text.splitlines()[0].removeprefix("# ")
        assert title.startswith(f"{int(path.name[:4])}. "), path.name
        assert f"- [{title}]({path.name})" in index, path.name
        assert re.findall(r"^\*\*([^*]+)\.\*\*", text, re.MULTILINE) == list(PARTS), path.name
