"""roi answers nothing but what its OpenAPI document says, whatever is sent."""

from pathlib import Path

import pytest

from tests.e2e.installation import Installation
from tests.integration.fuzz.attack import attack

pytestmark = pytest.mark.xdist_group("house")


def test_every_answer_is_a_declared_one(house: Installation, tmp_path: Path) -> None:
    attack(house, "roi", tmp_path, phases="fuzzing", examples=6, seconds=280)


@pytest.mark.slow
@pytest.mark.timeout(3_600)
def test_every_answer_is_a_declared_one_for_long(house: Installation, tmp_path: Path) -> None:
    phases = "examples,coverage,fuzzing,stateful"
    attack(house, "roi", tmp_path, phases=phases, examples=500, seconds=3_500)
