"""Throughput by `wrk` on its own core, with the requests of a file.

Promise: a closed loop, in which each connection sends again when it has its answer. An answer of
400 or more, or a broken connection, fails the measurement. The delays of a closed loop follow
from the number of connections, so delays come from `tests.bench.fixed_rate`.
What can go wrong: `wrk` is missing. As root on Debian it is installed, else a message says how.
"""

import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.test_tools import Tool, install, may_install
from tests.bench.child_processes import LOAD_CORE, BenchFailed, Child

SCRIPT: Final = Path(__file__).with_name("replay.lua")
WRK: Final = Tool("wrk", "wrk", "the bench's load")
# A note for the page: how the load changes the figures.
SLEEPS: Final = (
    "The load sleeps when it has nothing to do, as callers on a network do. Waking it costs the"
    " server some microseconds per answer in a virtual machine. A slower server wakes it more often"
    " than its limit does, so the ratio is somewhat worse than that of the work of the servers."
)


@dataclass(frozen=True, slots=True)
class Load:
    """The result of one run."""

    requests: int
    per_second: float
    server_cpu_us: float
    """Processor time of the server per request."""


def ensure_wrk() -> None:
    """Find `wrk` or install it; raises `BenchFailed` if neither is possible."""
    if shutil.which(WRK.program) is None and may_install():
        install((WRK,))
    if shutil.which(WRK.program) is None:
        raise BenchFailed(f"install {WRK.package} (Debian: apt-get install {WRK.package})")


def drive(script: Path, port: int, requests: Path, *, connections: int, seconds: float) -> str:
    """Run `wrk` with a script on its own core; return its output."""
    words = [
        *("taskset", "-c", str(LOAD_CORE), "wrk", "-t", "1", "-c", str(connections)),
        *("-d", f"{max(1, round(seconds))}s", "--timeout", "10s", "-s", str(script)),
        *(f"http://127.0.0.1:{port}", "--", str(requests)),
    ]
    done = subprocess.run(words, capture_output=True, text=True)
    return done.stdout + done.stderr


def told(output: str, word: str) -> list[float]:
    """Return the numbers in the result line of a script."""
    line = next((line for line in output.splitlines() if line.startswith(f"{word} ")), None)
    if line is None:
        raise BenchFailed(f"wrk printed no result:\n{output}")
    return [float(number) for number in line.split()[1:]]


def write_requests(path: Path, requests: Iterable[bytes]) -> Path:
    """Write requests, each after its length, as the script reads them; return the path."""
    with path.open("wb") as file:
        for request in requests:
            file.write(f"{len(request)}\n".encode() + request)
    return path


def http_request(
    method: str, path: str, headers: Iterable[tuple[str, str]], body: bytes = b""
) -> bytes:
    """Return the bytes of one request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
    lines += [f"{name}: {value}" for name, value in headers]
    if method != "GET":
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def run(server: Child, port: int, requests: Path, *, connections: int, seconds: float) -> Load:
    """Load a server and return throughput and processor time."""
    used = server.cpu_seconds()
    output = drive(SCRIPT, port, requests, connections=connections, seconds=seconds)
    used = server.cpu_seconds() - used
    count, micros, refused, broken = told(output, "MEASURED")
    if refused or broken:
        raise BenchFailed(f"{refused:.0f} refused and {broken:.0f} broken of {count:.0f} requests")
    return Load(int(count), count / (micros / 1e6), used * 1e6 / max(1, count))
