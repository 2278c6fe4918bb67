"""Child processes of the bench: start them on a core, wait for them, measure and stop them.

Promise: `Processes` as a context stops all of them. What can go wrong: a process that ends early
raises `BenchFailed` with the end of its output.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import httpx

from tests.bench.performance_page import ROOT
from tests.e2e.installation import free_ports

SERVER_CORE: Final = 0
LOAD_CORE: Final = 1
READY_SECONDS_MAX: Final = 120
STOP_SECONDS_MAX: Final = 30


class BenchFailed(Exception):
    """A part of the bench failed; the message has the end of its output."""


@dataclass
class Child:
    """One process that the bench started."""

    name: str
    process: "subprocess.Popen[bytes]"
    output: Path

    def end_of_output(self) -> str:
        return self.output.read_text(errors="replace")[-3_000:]

    def memory_bytes(self, field_name: str = "VmRSS") -> int:
        """Return the resident memory now (`VmRSS`) or at its peak (`VmHWM`)."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(f"{field_name}:"):
                return int(line.split()[1]) * 1024
        raise BenchFailed(f"no {field_name} of {self.name}")

    def cpu_seconds(self) -> float:
        """Return the processor time so far, user and system."""
        text = Path(f"/proc/{self.process.pid}/stat").read_text()
        fields = text.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


@dataclass
class Processes:
    """All processes of one item; their output is in one folder."""

    folder: Path
    children: list[Child] = field(default_factory=list)

    def start(
        self,
        name: str,
        *words: str,
        core: int | None,
        environment: Mapping[str, str] | None = None,
        cwd: Path = ROOT,
    ) -> Child:
        """Start a command, pinned to a core unless `core` is None."""
        pinned = () if core is None else ("taskset", "-c", str(core))
        output = self.folder / f"{name}.log"
        with output.open("ab") as file:
            process = subprocess.Popen(
                [*pinned, *words],
                env=clean_environment(environment or {}),
                stdout=file,
                stderr=subprocess.STDOUT,
                cwd=cwd,
            )
        child = Child(name, process, output)
        self.children.append(child)
        return child

    def python(
        self,
        name: str,
        module: str,
        *words: str,
        core: int | None,
        environment: Mapping[str, str] | None = None,
    ) -> Child:
        """Start a module with this interpreter."""
        return self.start(
            name, sys.executable, "-m", module, *words, core=core, environment=environment
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for child in reversed(self.children):
            child.stop()


def wait_until(look: Callable[[], bool], what: str, child: Child | None = None) -> float:
    """Call `look` until it is true; return the seconds. Raises `BenchFailed`."""
    began = time.monotonic()
    while time.monotonic() - began < READY_SECONDS_MAX:
        if child is not None and child.process.poll() is not None:
            raise BenchFailed(f"{child.name} ended:\n{child.end_of_output()}")
        try:
            if look():
                return time.monotonic() - began
        except (httpx.TransportError, OSError):
            pass
        time.sleep(0.02)
    words = "" if child is None else child.end_of_output()
    raise BenchFailed(f"{what}: not within {READY_SECONDS_MAX} s\n{words}")


def wait_until_answers(url: str, child: Child, status: int = 200) -> float:
    """Wait until a URL answers with a status; return the seconds."""
    return wait_until(
        lambda: httpx.get(url, timeout=5).status_code == status, f"{url} answers {status}", child
    )


def clean_environment(changes: Mapping[str, str]) -> dict[str, str]:
    """Return this environment without settings of Laurel, with `changes`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LAUREL_")}
    return {**kept, **changes}


def free_port() -> int:
    """Return a port that is free now."""
    return free_ports(1)[0]


@contextmanager
def scratch() -> Iterator[Path]:
    """Yield a temporary folder on the disk of the machine."""
    folder = Path(tempfile.mkdtemp(prefix="laurel-bench-")).resolve()
    # Postgres refuses to run as root, so another user must be able to enter the folder.
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
