"""Each service gives only answers that its OpenAPI document declares."""

import os
from pathlib import Path
from typing import Final

import pytest

from tests.e2e.installation import Installation
from tests.integration.fuzz.attack import attack

pytestmark = pytest.mark.xdist_group("installation")

# `FUZZ_EXAMPLES` shortens the long form.
LONG_EXAMPLES: Final = int(os.environ.get("FUZZ_EXAMPLES", "500"))


@pytest.mark.parametrize(
    ("service", "phases", "examples"),
    [
        ("tracking", "coverage,fuzzing", 15),
        ("attribution", "coverage,fuzzing", 15),
        ("roi", "fuzzing", 6),
    ],
)
def test_every_answer_is_a_declared_one(
    installation: Installation, tmp_path: Path, service: str, phases: str, examples: int
) -> None:
    attack(installation, service, tmp_path, phases=phases, examples=examples, seconds=280)


@pytest.mark.slow
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize(
    ("service", "phases"),
    [
        # Tracking makes no objects. Its one inferred link leads from `GET /` to `/{code}` with the
        # address of its own document.
        ("tracking", "examples,coverage,fuzzing"),
        ("attribution", "examples,coverage,fuzzing,stateful"),
        ("roi", "examples,coverage,fuzzing,stateful"),
    ],
)
def test_every_answer_is_a_declared_one_for_long(
    installation: Installation, tmp_path: Path, service: str, phases: str
) -> None:
    attack(installation, service, tmp_path, phases=phases, examples=LONG_EXAMPLES, seconds=3_500)
