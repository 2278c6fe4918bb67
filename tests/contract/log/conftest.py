"""The harness of each log under test, as parameters."""

from collections.abc import AsyncIterator

import pytest

from tests.contract.log.harness import Harness, KafkaHarness, MemoryHarness, PostgresHarness


@pytest.fixture(params=["memory", "postgres", pytest.param("kafka", marks=pytest.mark.kafka)])
async def harness(request: pytest.FixtureRequest) -> AsyncIterator[Harness]:
    """The harness of one kind of log."""
    made: Harness
    if request.param == "memory":
        made = MemoryHarness()
    elif request.param == "postgres":
        made = PostgresHarness(url=request.getfixturevalue("owner_url"))
    else:
        made = KafkaHarness(bootstrap=request.getfixturevalue("kafka_bootstrap"))
    yield made
    await made.close()
