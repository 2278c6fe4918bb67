"""One home for each credit model: its name is nowhere else; one entry and one file add a model."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from services.attribution.domain.models import ModelsDiffer, find_functions
from shared.models import CREDIT_MODELS
from tests.architecture.test_homes import PRODUCT, mentions
from tests.architecture.test_tidy import ROOT, python_files

PACKAGE: Final = "services.attribution.domain.models"
ENTRIES: Final = "shared/models.py"
HOME: Final = "services/attribution/domain/models"
# Names that are ordinary words are not searched.
DISTINCTIVE: Final = sorted(
    {
        *(name for name in CREDIT_MODELS if "_" in name or name == "participation"),
        *(parameter.name for model in CREDIT_MODELS.values() for parameter in model.parameters),
    }
)
LAST_ENTRY: Final = """
            CreditModel(
                "participation","""
ENTRY: Final = """
            CreditModel(
                "second",
                "the second touch takes all",
                (Parameter("patience_days", 3, 1, 9, "Days of patience."),),
            ),"""
FUNCTION: Final = '''"""The model `second`, which exists in this test only."""

from services.attribution.domain.steps import ALL, NOTHING, ModelInput, Shares


def shares(given: ModelInput) -> Shares:
    """All for the second step; for a single step, all."""
    chosen = min(1, len(given.steps) - 1)
    return [ALL if place == chosen else NOTHING for place in range(len(given.steps))]
'''
# Runs in the copy of the product. It fails, or prints "found".
ASKED: Final = """
import json, sys
from pathlib import Path
from deploy.schemas import openapi
from services.attribution.domain.models import FUNCTIONS
from services.cli.explain import plain_words
from services.roi.wire.policy_shapes import SHAPES

assert str(Path(sys.modules["services"].__path__[0]).parent) == sys.argv[1], "the copy is not used"
assert FUNCTIONS["second"].__module__.endswith(".models.second")
assert plain_words.MODELS["second"] == "the second touch takes all"
roi = openapi()["roi"]
(model,) = [p for p in roi["paths"]["/v1/roi"]["get"]["parameters"] if p["name"] == "model"]
assert "second" in json.dumps(model), model
policy = json.dumps(roi["components"]["schemas"]["PolicyBody"]["properties"]["models"])
assert "second" in policy and "patience_days" in policy, policy
body = SHAPES.body.model_validate({"models": [{"name": "second", "patience_days": 2}]})
assert SHAPES.facts(body)["models"] == [{"name": "second", "patience_days": 2}]
print("found")
"""


def test_one_entry_and_one_file_are_a_model_of_policies_answers_and_words(tmp_path: Path) -> None:
    for folder in PRODUCT:
        shutil.copytree(
            ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__")
        )
    entries = (tmp_path / ENTRIES).read_text()
    assert entries.count(LAST_ENTRY) == 1
    (tmp_path / ENTRIES).write_text(entries.replace(LAST_ENTRY, ENTRY + LAST_ENTRY))
    (tmp_path / HOME / "second.py").write_text(FUNCTION)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", ASKED, str(tmp_path)],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.stdout, done.returncode) == ("found\n", 0), done.stderr


@pytest.mark.parametrize("word", DISTINCTIVE)
def test_the_words_of_a_model_are_in_its_home_alone(word: str) -> None:
    found = [
        f"{name}:{line}"
        for name, tree, _ in python_files()
        if name.startswith(PRODUCT) and name != ENTRIES and not name.startswith(f"{HOME}/")
        for line in mentions(tree, word)
    ]
    assert not found, f"{word} is named outside its home: {found}"


def test_a_model_without_a_file_and_a_file_without_a_model_are_refused() -> None:
    names = list(CREDIT_MODELS)
    with pytest.raises(ModelsDiffer, match=r"without a file \['guess'\], without an entry \[\]"):
        find_functions(PACKAGE, [*names, "guess"])
    with pytest.raises(ModelsDiffer, match=r"without a file \[\], without an entry \['first'\]"):
        find_functions(PACKAGE, [name for name in names if name != "first"])
