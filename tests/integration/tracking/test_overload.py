"""Four times as many concurrent callers as the admission limit.

Promise: each caller is answered 202 or, at once, 503. Redirects and health checks still work.
"""

import asyncio
import itertools
import json

from tests.fixtures.load import Answers, load
from tests.integration.tracking.test_claims import ORDER
from tests.integration.tracking.test_durability import process, snapshot
from tests.integration.tracking.world import World

# This load generator reaches this many requests at once beside the server. The bench tests the
# default limit.
LIMIT = 16
SECONDS = 2.0
HEALTH_CHECKS = 20


async def test_overload_is_refused_at_once_while_redirects_and_health_work(world: World) -> None:
    await snapshot(world)
    bearer = world.brand.bearer()["Authorization"]
    numbers = itertools.count()

    def claim() -> bytes:
        body = json.dumps(ORDER | {"order_id": f"overload-{next(numbers)}"}).encode()
        head = (
            "POST /v1/conversions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            f"Authorization: {bearer}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    def visit() -> bytes:
        return b"GET /mia HTTP/1.1\r\nHost: x\r\n\r\n"

    async with process(world, in_flight_max=LIMIT) as (_, client):
        port = client.base_url.port
        assert port is not None
        at_limit = await load(port, LIMIT, claim, seconds=SECONDS)
        assert set(at_limit.seconds) == {202}
        async with asyncio.TaskGroup() as tasks:
            beyond = tasks.create_task(load(port, 4 * LIMIT, claim, seconds=SECONDS))
            clicks = tasks.create_task(load(port, 8, visit, seconds=SECONDS))
            for _ in range(HEALTH_CHECKS):
                assert (await client.get("/health/live")).is_success
        assert set(clicks.result().seconds) == {302}
        assert set(beyond.result().seconds) == {202, 503}
        _is_a_problem(beyond.result())
        # A refusal does not wait for the disk or for other requests.
        assert beyond.result().median_seconds(503) <= beyond.result().median_seconds(202)
        assert (await client.post("/v1/conversions", json=ORDER)).status_code == 202


def _is_a_problem(answers: Answers) -> None:
    head, _, body = answers.example[503].partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head
    assert b"retry-after: " in head
    problem = json.loads(body)
    assert problem["status"] == 503
    assert f"x-request-id: {problem['request_id']}".encode() in head
