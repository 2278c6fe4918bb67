"""One home for each attention kind: its id is in its file alone; a new file adds a kind."""

import ast
import os
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Final, get_args

import pytest

from services.attribution.domain.model import Doubt, Status
from services.attribution.store.attention import KINDS
from tests.architecture.test_homes import PRODUCT
from tests.architecture.test_tidy import ROOT, python_files

HOME: Final = "services/attribution/store/attention/"
MADE_UP: Final = '''"""An attention kind that exists in this test only."""

from services.attribution.store.attention_kind import AttentionKind

MADE_UP = AttentionKind(id="made_up", sentence="S.", what_to_do="W.", found="SELECT")
'''
# Runs in the copy of the product. It fails, or prints "found".
ASKED: Final = """
import json, sys
from pathlib import Path
from deploy.schemas import openapi
from services.attribution.store.attention import KINDS

assert str(Path(sys.modules["services"].__path__[0]).parent) == sys.argv[1], "the copy is not used"
assert KINDS["made_up"].sentence == "S."
(kind,) = openapi()["attribution"]["paths"]["/v1/attention"]["get"]["parameters"]
assert "made_up" in json.dumps(kind), kind
print("found")
"""


@cache
def places_of_texts() -> dict[str, list[str]]:
    """Return the places of each literal text of the product outside the home of the kinds."""
    found: dict[str, list[str]] = {}
    for name, tree, _ in python_files():
        # A migration names tables, not kinds.
        if name.startswith(PRODUCT) and not name.startswith((HOME, "deploy/migrations/")):
            for node in ast.walk(tree):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    found.setdefault(node.value, []).append(f"{name}:{node.lineno}")
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_the_id_of_a_kind_is_in_its_home_alone(kind: str) -> None:
    assert places_of_texts().get(kind, []) == [], f"{kind} is named outside its home"


def test_a_kind_says_what_was_found_and_what_to_do() -> None:
    for kind in KINDS.values():
        assert kind.sentence.endswith("."), kind
        assert kind.what_to_do.endswith("."), kind


def kinds_with(condition: str) -> list[str]:
    """Return the ids of the kinds whose statement has a condition."""
    return [kind.id for kind in KINDS.values() if condition in kind.found]


def test_what_is_set_aside_or_doubtful_is_found_by_one_kind() -> None:
    """Each doubt about an order, each status that is not booked, each reason of a dead letter.

    A past order (history) is in no sum, and it is booked: as evidence about its customer.
    """
    conditions = [f"note ->> 'doubt' = '{doubt}'" for doubt in get_args(Doubt)]
    booked = (Status.CREDITED, Status.ORGANIC, Status.HISTORY)
    conditions += [f"status = '{status}'" for status in Status if status not in booked]
    (rest,) = kinds_with("resolved_at IS NULL AND reason NOT IN (")
    _, _, reasons = KINDS[rest].found.partition("NOT IN (")
    named = re.findall(r"'(\w+)'", reasons)
    conditions += [f"reason = '{reason}'" for reason in named]
    found = {condition: kinds_with(condition) for condition in conditions}
    assert {condition: kinds for condition, kinds in found.items() if len(kinds) != 1} == {}
    assert named


def test_a_new_file_is_a_kind_of_the_call_and_of_its_document(tmp_path: Path) -> None:
    """The copy of the product differs by one file; no list is edited."""
    for folder in PRODUCT:
        shutil.copytree(
            ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__")
        )
    (tmp_path / HOME / "made_up.py").write_text(MADE_UP)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", ASKED, str(tmp_path)],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.stdout, done.returncode) == ("found\n", 0), done.stderr
