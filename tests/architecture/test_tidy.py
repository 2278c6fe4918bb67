"""Style as a test: sizes of functions and files, first lines, no float in a core, no leftovers.

Promise: each failure names the place and what to do instead.
"""

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
FUNCTION_LINES_MAX: Final = 50  # one screen
FILE_LINES_MAX: Final = 400  # without docstrings
OPENING: Final = {
    ".py": '"""', ".sh": "#", ".yml": "#", ".toml": "#", ".xml": "<!--", ".md": "#",
    ".html": "{#", ".css": "/*", ".js": "//",
}  # fmt: skip
LEFTOVER: Final = re.compile(
    r"\b(TO" + "DO|FIX" + "ME|XX" + "X|HA" + "CK)\b|NotImplemented" + "Error"
)
# Statistics may use float (DESIGN: "no float in domain outside statistics"); there are none yet.
FLOAT_ALLOWED: Final[frozenset[str]] = frozenset()

Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def tracked() -> tuple[Path, ...]:
    """Return the files of the project: tracked, or new and not ignored."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split("\n")
    return tuple(ROOT / name for name in listed if name and (ROOT / name).is_file())


def python_files() -> Iterator[tuple[str, ast.Module, str]]:
    """Yield relative path, tree and text of every Python file."""
    for path in tracked():
        if path.suffix == ".py":
            text = path.read_text()
            yield str(path.relative_to(ROOT)), ast.parse(text), text


def functions(tree: ast.Module) -> Iterator[Function]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def docstring_lines(tree: ast.AST) -> int:
    """Return the number of lines of the docstrings in a tree."""
    total = 0
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                total += (first.end_lineno or first.lineno) - first.lineno + 1
    return total


def length(node: Function) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def test_every_file_is_seen() -> None:
    names = {path.name for path in tracked()}
    assert {"pyproject.toml", "README.md", "test_tidy.py"} <= names


def test_functions_fit_on_a_screen() -> None:
    long = [
        f"{name}:{node.lineno} {node.name} has {length(node)} lines: name its steps and split it"
        for name, tree, _ in python_files()
        for node in functions(tree)
        if length(node) > FUNCTION_LINES_MAX
    ]
    assert not long, "\n".join(long)


def test_files_are_short() -> None:
    long = [
        f"{name} has {lines} lines without docstrings: split it by subject"
        for name, tree, text in python_files()
        if (lines := text.count("\n") + 1 - docstring_lines(tree)) > FILE_LINES_MAX
    ]
    assert not long, "\n".join(long)


@pytest.mark.parametrize("suffix", sorted(OPENING))
def test_the_first_line_says_what_lives_there(suffix: str) -> None:
    wrong = []
    for path in tracked():
        if path.suffix == suffix:
            text = path.read_text().removeprefix('<?xml version="1.0" encoding="UTF-8"?>')
            first = text.lstrip().split("\n", 1)[0]
            if not first.startswith(OPENING[suffix]) or len(first) < 12:
                wrong.append(f"{path.relative_to(ROOT)}: first line is {first[:60]!r}")
    assert not wrong, "\n".join(wrong)


def test_no_float_in_a_core() -> None:
    wrong = []
    for name, tree, _ in python_files():
        if "/domain/" not in name or name.startswith("tests/") or name in FLOAT_ALLOWED:
            continue
        for node in ast.walk(tree):
            named = isinstance(node, ast.Name) and node.id == "float"
            literal = isinstance(node, ast.Constant) and isinstance(node.value, float)
            if named or literal:
                assert isinstance(node, ast.expr)
                wrong.append(f"{name}:{node.lineno}: use int, Fraction or Decimal")
    assert not wrong, "\n".join(wrong)


def test_nothing_is_left_behind() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in tracked()
        if path.suffix in {".py", ".sh", ".md", ".yml", ".toml"}
        for match in LEFTOVER.finditer(path.read_text())
    ]
    assert not wrong, "\n".join(wrong)
