"""The server as a process: on a signal it finishes running requests and returns."""

import asyncio
import signal
import socket
import sys
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[3]

PROGRAM = """
import asyncio, contextlib, sys
from shared.api.app import create_app
from shared.http.body import Router
from shared.http.health import Health
from shared.http.server import run, serve

@contextlib.asynccontextmanager
async def lifespan(app):
    print("opened", flush=True)
    yield

app = create_app(service="test", lifespan=lifespan, health=Health())
router = Router()

@router.get("/slow")
async def slow() -> str:
    print("entered", flush=True)
    await asyncio.sleep(0.5)
    return "finished"

app.include_router(router)

async def main() -> None:
    try:
        await serve(app, "127.0.0.1", int(sys.argv[1]))
    finally:
        print("cleaned", type(asyncio.get_running_loop()).__module__, flush=True)

run(main())
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_drains_and_returns(number: signal.Signals) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        PROGRAM,
        str(port),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    # The server listens shortly after the start of the lifespan.
    transport = httpx.AsyncHTTPTransport(retries=5)
    try:
        assert await process.stdout.readline() == b"opened\n"
        async with (
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", transport=transport) as client,
            asyncio.TaskGroup() as tasks,
        ):
            answer = tasks.create_task(client.get("/slow", timeout=10))
            assert await process.stdout.readline() == b"entered\n"
            process.send_signal(number)
        assert answer.result().json() == "finished"
        output, errors = await asyncio.wait_for(process.communicate(), 10)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert (output, process.returncode) == (b"cleaned uvloop\n", 0), errors
