"""Run one Apache Kafka node from its jars: `python -m deploy.kafka.server start|stop`.

Tests use the class `KafkaServer`.
Promise: data, logs and the process id are in one folder. The port is free at the first start and
stays the same for the folder. `start` returns when the node serves requests, `stop` when its
process has ended.
What can go wrong: `KafkaUnavailable` when Java, Maven or the jars are missing, or when the node
does not start in time; the message holds the last output of the node.
"""

import argparse
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from deploy.kafka.jars import KafkaUnavailable, jars_folder

HERE: Final = Path(__file__).parent
DEFAULT_CACHE: Final = Path.home() / ".cache" / "laurel" / "kafka"
DEFAULT_FOLDER: Final = Path(".kafka")
HEAP_MEGABYTES: Final = 384
# 4 s on an idle machine; a test run keeps both cores busy.
START_SECONDS: Final = 90
STOP_SECONDS: Final = 20
STARTED: Final = "Kafka Server started"
# Any value works, because a folder is used by one cluster only.
CLUSTER_ID: Final = "laurel-laurel-laurel-A"

# The states of a thread that has ended: zombie and dead.
_ENDED: Final = {"Z", "X"}

# Only the parent can collect the end of a process, so it keeps the handle until then.
_children: dict[int, "subprocess.Popen[bytes]"] = {}


class KafkaServer:
    """One node in one folder. Another process may hold its own `KafkaServer` of the same folder."""

    def __init__(
        self, folder: Path, *, cache: Path = DEFAULT_CACHE, port: int = 0, quick: bool = False
    ) -> None:
        """`quick`: retention and compaction act within 1 s, for tests. `port` 0: a free one."""
        self.folder = folder.resolve()
        self._cache = cache
        self._wanted_port = port
        self._quick = quick
        self._pid_file = self.folder / "pid"
        self._port_file = self.folder / "port"
        self._output = self.folder / "server.log"

    @property
    def bootstrap(self) -> str:
        """Return the bootstrap address for clients."""
        return f"127.0.0.1:{self._port_file.read_text()}"

    def start(self) -> str:
        """Start the node if it does not run, wait until it serves, and return its address."""
        if self.pid() is not None:
            return self.bootstrap
        jars = jars_folder(self._cache)
        self._prepare(jars)
        self._output.write_text("")
        with self._output.open("ab") as output:
            process = subprocess.Popen(
                self._java(jars, "kafka.Kafka", str(self.folder / "server.properties")),
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        _children[process.pid] = process
        self._pid_file.write_text(str(process.pid))
        self._wait_until_started(process)
        return self.bootstrap

    def stop(self) -> None:
        """Stop the node; kill it if it does not end within `STOP_SECONDS`."""
        self.resume()
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Kill the process: it flushes nothing and sends nothing."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """Freeze the process: connections stay open, and it answers nothing after this returns."""
        self._signal(signal.SIGSTOP)
        if not _wait_for(self._is_frozen, STOP_SECONDS):
            raise KafkaUnavailable(f"Kafka did not freeze within {STOP_SECONDS} s")

    def resume(self) -> None:
        """End `pause`."""
        self._signal(signal.SIGCONT)

    def restart(self) -> str:
        """Stop and start with the same port and the same data."""
        self.stop()
        return self.start()

    def remove(self) -> None:
        """Kill the node and delete its folder."""
        self.resume()
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def pid(self) -> int | None:
        """Return the process id of the running node, or None."""
        pid = self._noted_pid()
        return pid if pid is not None and self._is_ours(pid) else None

    def _noted_pid(self) -> int | None:
        try:
            return int(self._pid_file.read_text())
        except (FileNotFoundError, ValueError):
            return None

    def _is_ours(self, pid: int) -> bool:
        """Whether the process is alive and is this node, not a later one with the same id."""
        if pid in _children:
            if _children[pid].poll() is None:
                return True
            del _children[pid]
            return False
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        command = Path(f"/proc/{pid}/cmdline")
        return not command.exists() or str(self.folder).encode() in command.read_bytes()

    def _is_frozen(self) -> bool:
        """Whether every thread is stopped.

        The signal goes to one thread, which stops the others when it is scheduled. On busy cores
        they may answer another request before that.
        """
        pid = self.pid()
        return pid is None or not Path("/proc/self").exists() or _states(pid) == {"T"}

    def _signal(self, number: signal.Signals) -> None:
        pid = self.pid()
        if pid is not None:
            os.kill(pid, number)

    def _end(self, number: signal.Signals) -> None:
        self._signal(number)
        if not _wait_for(self._is_gone, STOP_SECONDS):
            self._signal(signal.SIGKILL)
            _wait_for(self._is_gone, STOP_SECONDS)
        self._pid_file.unlink(missing_ok=True)

    def _is_gone(self) -> bool:
        """Whether its last thread has ended; only then are the ports free."""
        pid = self._noted_pid()
        return pid is None or not (self._is_ours(pid) or _is_ending(pid))

    def _prepare(self, jars: Path) -> None:
        """Write the settings and format the storage, once for each folder."""
        self.folder.mkdir(parents=True, exist_ok=True)
        settings = self.folder / "server.properties"
        if settings.exists():
            return
        port, controller_port = _free_ports(self._wanted_port)
        text = (HERE / "server.properties").read_text()
        if self._quick:
            text += (HERE / "quick.properties").read_text()
        for name, value in (
            ("port", port),
            ("controller_port", controller_port),
            ("data", self.folder / "data"),
        ):
            text = text.replace(f"{{{name}}}", str(value))
        partial = settings.with_suffix(".partial")
        partial.write_text(text)
        arguments = ("format", "--cluster-id", CLUSTER_ID, "--config", str(partial))
        done = subprocess.run(
            self._java(jars, "kafka.tools.StorageTool", *arguments),
            capture_output=True,
            text=True,
            timeout=START_SECONDS,
            check=False,
        )
        if done.returncode != 0:
            raise KafkaUnavailable(
                f"Kafka could not format {self.folder}:\n"
                f"{done.stdout[-1_000:]}{done.stderr[-1_000:]}"
            )
        self._port_file.write_text(str(port))
        partial.rename(settings)

    def _java(self, jars: Path, program: str, *arguments: str) -> list[str]:
        # The serial collector and, for tests, the fast compiler leave the cores to the tests.
        quick = ["-XX:TieredStopAtLevel=1"] if self._quick else []
        return [
            *("java", f"-Xmx{HEAP_MEGABYTES}m", "-XX:+UseSerialGC", *quick),
            f"-Dlog4j2.configurationFile={HERE / 'log4j2.properties'}",
            *("-cp", f"{jars}/*", program, *arguments),
        ]

    def _wait_until_started(self, process: "subprocess.Popen[bytes]") -> None:
        def has_ended_or_started() -> bool:
            return process.poll() is not None or STARTED in self._said()

        if _wait_for(has_ended_or_started, START_SECONDS) and process.poll() is None:
            return
        self.kill()
        raise KafkaUnavailable(f"Kafka did not start:\n{self._said()[-3_000:]}")

    def _said(self) -> str:
        return self._output.read_text(errors="replace")


def _is_ending(pid: int) -> bool:
    """Whether the process has no command line any more but has a thread that runs."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
    return not command and not _states(pid) <= _ENDED


def _states(pid: int) -> set[str]:
    """Return the states of the threads in /proc; "?" for a thread that ended meanwhile."""
    states = set()
    for task in Path(f"/proc/{pid}/task").glob("*/stat"):
        try:
            states.add(task.read_text().rpartition(")")[2].split()[0])
        except OSError:
            states.add("?")
    return states


def _wait_for(condition: Callable[[], bool], seconds: float) -> bool:
    """Check the condition 20 times a second; return whether it became true in time."""
    deadline = time.monotonic() + seconds
    between_looks = threading.Event()
    while not condition():
        if time.monotonic() >= deadline:
            return False
        between_looks.wait(0.05)
    return True


def _free_ports(wanted: int) -> tuple[int, int]:
    """Return two free ports; the first is the wanted one, unless that is 0."""
    with socket.socket() as first, socket.socket() as second:
        first.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        first.bind(("127.0.0.1", wanted))
        second.bind(("127.0.0.1", 0))
        return first.getsockname()[1], second.getsockname()[1]


def main(arguments: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m deploy.kafka.server", description=main.__doc__)
    parser.add_argument("what", choices=("start", "stop", "address"))
    parser.add_argument(
        "--folder", type=Path, default=DEFAULT_FOLDER, help="data, logs, process id"
    )
    parser.add_argument("--cache", type=Path, default=DEFAULT_CACHE, help="where the jars are kept")
    parser.add_argument("--port", type=int, default=9092, help="0 takes a free one")
    given = parser.parse_args(arguments)
    server = KafkaServer(given.folder, cache=given.cache, port=given.port)
    try:
        if given.what == "stop":
            server.stop()
        elif given.what == "start":
            sys.stdout.write(f"{server.start()}\n")
        else:
            sys.stdout.write(f"{server.bootstrap}\n")
    except (KafkaUnavailable, OSError) as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
