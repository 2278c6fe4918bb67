"""The log of a measurement: a real Kafka on the core of the load, or an address without a server.

Promise: the broker does not use the core of the measured server.
"""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.kafka.server import KafkaServer
from tests.bench.child_processes import LOAD_CORE, BenchFailed, free_port


@contextmanager
def kafka(folder: Path, *, core: int | None = LOAD_CORE) -> Iterator[str]:
    """Yield the `host:port` of a running broker."""
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
    """Return the setting of a log that does not answer."""
    return f"kafka://127.0.0.1:{free_port()}"


def pin(pid: int, core: int) -> None:
    """Bind every thread of a running process to one core."""
    done = subprocess.run(["taskset", "-acp", str(core), str(pid)], capture_output=True, text=True)
    if done.returncode != 0:
        raise BenchFailed(f"cannot pin process {pid}: {done.stderr}")
