"""The load generator: `wrk` on a core of its own, replaying requests that were written to a file before.

Promise: a closed loop of so many connections; an answer of 400 or more or a broken connection fails the measurement. It polls and never
sleeps, so that no server pays for waking it (see `polling.c`). What can go wrong: `wrk` or a compiler is not there: as root on Debian they are
installed, elsewhere the message says how.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from deploy.test_tools import Tool, install, may_install
from tests.bench.processes import LOAD_CORE, BenchFailed, Child

SCRIPT: Final = Path(__file__).with_name("replay.lua")
# For the page.
POLLS: Final = "The load polls and never sleeps: a server that does not saturate it would pay for waking it with each answer, the limit not."
POLLING: Final = Path(__file__).with_name("polling.c")
TOOLS: Final = (
    Tool("wrk", "wrk", "the bench's load"),
    Tool("gcc", "gcc", "the bench's load, which polls"),
    Tool("gcc", "libc6-dev", "the bench's load, which polls"),
)


@dataclass(frozen=True, slots=True)
class Load:
    """What one run measured."""

    requests: int
    per_second: float
    p50_ms: float
    p99_ms: float
    worst_ms: float
    refused: int
    broken: int
    server_cpu_us: float
    """Processor time of the server per request; steadier than time on a machine that others use as well."""


def ensure_wrk() -> None:
    """Find `wrk` and a compiler, or bring them."""
    missing = tuple(tool for tool in TOOLS if shutil.which(tool.program) is None)
    if missing and may_install():
        install(missing)
    for tool in TOOLS:
        if shutil.which(tool.program) is None:
            raise BenchFailed(f"install {tool.package} (Debian: apt-get install {tool.package})")


@cache
def _polling() -> Path:
    """The library that keeps the load awake, built for this run."""
    library = Path(tempfile.mkdtemp(prefix="laurel-bench-")) / "polling.so"
    words = ["gcc", "-shared", "-fPIC", "-O2", "-Wall", "-Werror", "-o", str(library), str(POLLING)]
    built = subprocess.run([*words, "-ldl"], capture_output=True, text=True)
    if built.returncode:
        raise BenchFailed(f"gcc cannot build {POLLING.name}:\n{built.stderr}")
    return library


def drive(script: Path, port: int, requests: Path, *, connections: int, seconds: float) -> str:
    """Run `wrk` with a script on its own core; what it printed."""
    words = [
        *("taskset", "-c", str(LOAD_CORE), "wrk", "-t", "1", "-c", str(connections)),
        *("-d", f"{max(1, round(seconds))}s", "--timeout", "10s", "-s", str(script)),
        *(f"http://127.0.0.1:{port}", "--", str(requests)),
    ]
    environment = os.environ | {"LD_PRELOAD": str(_polling())}
    done = subprocess.run(words, capture_output=True, text=True, env=environment)
    return done.stdout + done.stderr


def told(output: str, word: str) -> list[float]:
    """The numbers of the line that a script ends with."""
    line = next((line for line in output.splitlines() if line.startswith(f"{word} ")), None)
    if line is None:
        raise BenchFailed(f"wrk said nothing useful:\n{output}")
    return [float(number) for number in line.split()[1:]]


def write_requests(path: Path, requests: Iterable[bytes]) -> Path:
    """Requests as the script reads them."""
    with path.open("wb") as file:
        for request in requests:
            file.write(f"{len(request)}\n".encode() + request)
    return path


def http_request(
    method: str, path: str, headers: Iterable[tuple[str, str]], body: bytes = b""
) -> bytes:
    """The bytes of one request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
    lines += [f"{name}: {value}" for name, value in headers]
    if method != "GET":
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def run(server: Child, port: int, requests: Path, *, connections: int, seconds: float) -> Load:
    """Load a server for a while."""
    used = server.cpu_seconds()
    output = drive(SCRIPT, port, requests, connections=connections, seconds=seconds)
    used = server.cpu_seconds() - used
    count, micros, p50, p99, worst, refused, broken = told(output, "MEASURED")
    load = Load(
        int(count),
        count / (micros / 1e6),
        p50 / 1e3,
        p99 / 1e3,
        worst / 1e3,
        int(refused),
        int(broken),
        used * 1e6 / max(1, count),
    )
    if load.broken or load.refused:
        raise BenchFailed(f"{load.refused} requests refused and {load.broken} broken of {count}")
    return load
