"""Each service gives only answers that its OpenAPI document declares."""

import os
from pathlib import Path
from typing import Final

import pytest

from tests.e2e.installation import Installation
from tests.integration.fuzz.attack import attack, walk

pytestmark = pytest.mark.xdist_group("installation")

# `FUZZ_EXAMPLES` shortens the long forms.
LONG_EXAMPLES: Final = int(os.environ.get("FUZZ_EXAMPLES", "500"))
# The service whose document has links: its answers have ids that other calls take.
WITH_LINKS: Final = "roi"


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


def test_answers_lead_to_requests_with_declared_answers(
    installation: Installation, tmp_path: Path
) -> None:
    walk(installation, WITH_LINKS, tmp_path, walks=15)


@pytest.mark.slow
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("service", ["tracking", "attribution", "roi"])
def test_every_answer_is_a_declared_one_for_long(
    installation: Installation, tmp_path: Path, service: str
) -> None:
    phases = "examples,coverage,fuzzing"
    attack(installation, service, tmp_path, phases=phases, examples=LONG_EXAMPLES, seconds=3_500)


@pytest.mark.slow
@pytest.mark.timeout(3_600)
def test_answers_lead_to_requests_for_long(installation: Installation, tmp_path: Path) -> None:
    """This is a test of its own: after the random requests of roi it had no time left."""
    walk(installation, WITH_LINKS, tmp_path, walks=LONG_EXAMPLES)
