"""The log of a measurement: a real Kafka beside the load, or an address where nobody answers.

Promise: the broker runs on the load's core, so the server's core belongs to the server.
"""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.kafka.server import KafkaServer
from tests.bench.child_processes import LOAD_CORE, BenchFailed, free_port


@contextmanager
def kafka(folder: Path, *, core: int | None = LOAD_CORE) -> Iterator[str]:
    """A running broker; gives its `host:port`."""
    server = KafkaServer(folder / "kafka")
    server.start()
    try:
        pid = server.pid()
        if core is not None and pid is not None:
            pin(pid, core)
        yield server.bootstrap
    finally:
        server.remove()


def nowhere() -> str:
    """The setting of a log that is away."""
    return f"kafka://127.0.0.1:{free_port()}"


def pin(pid: int, core: int) -> None:
    """Bind every thread of a running process to one core."""
    done = subprocess.run(["taskset", "-acp", str(core), str(pid)], capture_output=True, text=True)
    if done.returncode != 0:
        raise BenchFailed(f"cannot pin process {pid}: {done.stderr}")
