"""Refusals in their turn, over real sockets: who is refused is held for a moment, so many and no more, and nobody for longer than he listens.

Promise: no test waits for a turn that it does not want to see pass: a turn of an hour never does, and what ends it sooner is what is tested.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import httpx
import pytest
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from shared.http.edge import Edge
from shared.http.gate import Gate
from shared.http.server import GRACEFUL_SHUTDOWN_SECONDS
from shared.telemetry import Telemetry
from tests.fixtures.http import running
from tests.integration.shared.sample_app import problem

HOUR_SECONDS = 3_600.0
BODY_BYTES = 100_000
# A machine with other things to do may be late; an hour is what these tests look for.
PATIENCE_SECONDS = 20.0


def full(
    *, held_max: int = 2, hold_seconds: float = HOUR_SECONDS, turn_seconds: float = HOUR_SECONDS
) -> Gate:
    """A gate without a place."""
    return Gate(
        body_limit_bytes=BODY_BYTES,
        in_flight_max=0,
        held_max=held_max,
        hold_seconds=hold_seconds,
        turn_seconds=turn_seconds,
    )


async def never(scope: Scope, receive: Receive, send: Send) -> None:
    """An app that hears of nothing but health."""
    assert scope["type"] != "http" or scope["path"].startswith("/health/")
    if scope["type"] == "http":
        await Response("well")(scope, receive, send)


@contextlib.asynccontextmanager
async def serving(gate: Gate) -> AsyncIterator[httpx.AsyncClient]:
    """A server that refuses everything."""
    edge = Edge(never, telemetry=Telemetry("test"), gate=gate)
    async with (
        running(edge, gate=gate) as url,
        httpx.AsyncClient(base_url=url, timeout=PATIENCE_SECONDS) as client,
    ):
        yield client


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what the server is about to do."""
    deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, "it never came"
        await asyncio.sleep(0.005)


async def test_a_refused_caller_is_held_and_then_told_when_to_come_back() -> None:
    loop = asyncio.get_running_loop()
    async with serving(full(turn_seconds=0.3)) as client:
        for sent in (client.get("/x"), client.post("/x", content=b"x" * BODY_BYTES)):
            began = loop.time()
            refused = await sent
            # uvloop counts in whole milliseconds.
            assert loop.time() - began > 0.29
            problem(refused, 503)
            assert int(refused.headers["retry-after"]) > 0


async def test_turns_grow_with_those_that_wait_up_to_a_limit() -> None:
    loop = asyncio.get_running_loop()
    gate = full(turn_seconds=0.1, hold_seconds=0.25, held_max=5)

    async def silence() -> Message:
        await asyncio.Event().wait()
        raise AssertionError("nobody says anything")

    async def wait() -> float:
        began = loop.time()
        await gate.hold(silence)
        return loop.time() - began

    # They all begin in one turn of the loop, so each finds those before him; a timer may be late and is never early.
    seconds = await asyncio.gather(*(wait() for _ in range(6)))
    for waited, least in zip(seconds, (0.1, 0.2, 0.25, 0.25, 0.25, 0.0), strict=True):
        assert waited > least - 0.01, seconds
    assert seconds[5] < seconds[0]
    assert gate.held == 0


@pytest.mark.parametrize("body", [None, b"x" * BODY_BYTES])
async def test_no_more_are_held_than_the_limit_and_who_hangs_up_frees_his_place(
    body: bytes | None,
) -> None:
    gate = full()
    async with serving(gate) as client, asyncio.TaskGroup() as tasks:
        held = [tasks.create_task(client.post("/x", content=body)) for _ in range(2)]
        await until(lambda: gate.held == 2)
        # Nobody is held beyond it, and health is not a matter of places.
        problem(await client.post("/x", content=body), 503)
        assert (await client.get("/health/live")).is_success
        assert not any(task.done() for task in held)
        held[0].cancel()
        await until(lambda: gate.held == 1)
        next_one = tasks.create_task(client.post("/x", content=body))
        await until(lambda: gate.held == 2)
        for task in (held[1], next_one):
            task.cancel()
        await until(lambda: gate.held == 0)


async def test_a_server_that_stops_answers_those_it_holds_at_once() -> None:
    loop = asyncio.get_running_loop()
    gate = full()
    async with asyncio.TaskGroup() as tasks:
        async with serving(gate) as client:
            held = [tasks.create_task(_ask_alone(client.base_url)) for _ in range(2)]
            await until(lambda: gate.held == 2)
            began = loop.time()
        assert loop.time() - began < GRACEFUL_SHUTDOWN_SECONDS / 2
    for task in held:
        problem(task.result(), 503)
        assert task.result().headers["connection"] == "close"


async def _ask_alone(base_url: httpx.URL) -> httpx.Response:
    async with httpx.AsyncClient(base_url=base_url, timeout=PATIENCE_SECONDS) as client:
        return await client.get("/x")
