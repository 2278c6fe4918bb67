"""A load with a fixed rate: requests are sent at even times, however long the answers take.

Promise: a delay counts from the time at which a request was due, not from its sending. So the delay
of a stalled server includes every request that had to wait (no coordinated omission). The load is a
separate process on its own core and sleeps between requests.
What can go wrong: the load is too slow for the rate. The time from due to sent, while a connection
was free, is measured and reported beside the delays.
"""

import argparse
import gc
import json
import select
import socket
import subprocess
import sys
import time
from collections import deque
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from tests.bench.child_processes import LOAD_CORE, BenchFailed
from tests.bench.comparison import percentile

CONNECTIONS: Final = 64
# The first part of a run fills caches and is not counted.
WARM_SHARE: Final = 0.2
ANSWER_SECONDS_MAX: Final = 30.0


@dataclass(frozen=True, slots=True)
class Delays:
    """Milliseconds from due to answered, and from due to sent."""

    p50_ms: float
    p99_ms: float
    load_late_p99_ms: float


def delays_at(port: int, requests: Path, *, rate: int, seconds: float) -> Delays:
    """Load a server at a rate; raises `BenchFailed` if an answer is missing or not 2xx or 3xx."""
    words = ["taskset", "-c", str(LOAD_CORE), sys.executable, "-m", "tests.bench.fixed_rate"]
    words += [str(port), str(requests), str(rate), str(seconds)]
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        raise BenchFailed(f"the load at a fixed rate failed:\n{done.stdout}{done.stderr}")
    return Delays(**json.loads(done.stdout))


def read_requests(path: Path) -> list[bytes]:
    """Return the requests of a file that `tests.bench.wrk.write_requests` wrote."""
    found = []
    with path.open("rb") as file:
        while head := file.readline():
            found.append(file.read(int(head)))
    return found


class _Load:
    """One run: its free connections, and those that wait for an answer."""

    def __init__(self, port: int, requests: list[bytes], rate: int, seconds: float) -> None:
        self._requests = requests
        self._rate = rate
        self._total = int(rate * seconds)
        self._free: deque[socket.socket] = deque()
        for _ in range(CONNECTIONS):
            one = socket.create_connection(("127.0.0.1", port))
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._free.append(one)
        self._due_at: dict[socket.socket, float] = {}
        self._answer: dict[socket.socket, bytes] = {}
        self._sent = 0
        self._delays: list[float] = []
        self._late: list[float] = []

    def run(self) -> Delays:
        """Send everything and wait for the last answer."""
        self._began = time.perf_counter()
        last_answer_at = 0.0
        while len(self._delays) < self._total:
            waits_seconds = self._send_due()
            readable, _, _ = select.select(list(self._due_at), [], [], waits_seconds)
            now = self._now()
            for one in readable:
                self._read(one, now)
            last_answer_at = now if readable else last_answer_at
            if now - last_answer_at > ANSWER_SECONDS_MAX:
                raise BenchFailed(f"{self._total - len(self._delays)} answers are missing")
        return self._result()

    def _now(self) -> float:
        return time.perf_counter() - self._began

    def _send_due(self) -> float:
        """Send what is due on free connections; return the seconds until the next is due."""
        while self._free and self._sent < self._total:
            due = self._sent / self._rate
            late = self._now() - due
            if late < 0:
                return -late
            one = self._free.popleft()
            one.sendall(self._requests[self._sent % len(self._requests)])
            self._due_at[one], self._answer[one] = due, b""
            if self._free:
                self._late.append(late)
            self._sent += 1
        # No connection is free or all is sent: the next answer ends the wait.
        return 1.0

    def _read(self, one: socket.socket, now: float) -> None:
        data = one.recv(65_536)
        if not data:
            raise BenchFailed("the server closed a connection")
        self._answer[one] += data
        head, is_whole, body = self._answer[one].partition(b"\r\n\r\n")
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        if not is_whole or len(body) < int(length):
            return
        if head[9:10] not in (b"2", b"3"):
            raise BenchFailed(self._answer[one].decode(errors="replace"))
        self._delays.append(now - self._due_at.pop(one))
        self._free.append(one)

    def _result(self) -> Delays:
        first = int(self._total * WARM_SHARE)
        ms = [1e3 * seconds for seconds in self._delays[first:]]
        late_ms = 1e3 * percentile(self._late, 99)
        return Delays(percentile(ms, 50), percentile(ms, 99), late_ms)


def main() -> None:
    """Run once and print the delays as JSON."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("requests", type=Path)
    parser.add_argument("rate", type=int)
    parser.add_argument("seconds", type=float)
    given = parser.parse_args()
    load = _Load(given.port, read_requests(given.requests), given.rate, given.seconds)
    # A garbage collection would delay requests.
    gc.disable()
    sys.stdout.write(json.dumps(asdict(load.run())))


if __name__ == "__main__":
    main()
