"""Fail every unit test that uses a disk, a thread, a socket or a process.

Promise: Python reports such a use as an audit event, and this file collects the events while the
fixtures of a unit test are made and while it runs. A lazy import may still read installed code, and
a metric may still read `/proc`, which is memory.
What can go wrong: an extension module that calls the system itself reports no event.
"""

import sys
import sysconfig
import threading
import zoneinfo
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_INSTALLED = {
    path for name in sysconfig.get_paths().values() for path in (Path(name), Path(name).resolve())
}
# Paths of the interpreter, the kernel and the test tools, not of the code under test.
_ALLOWED = tuple(
    f"{path}/" for path in (*_INSTALLED, *zoneinfo.TZPATH, ROOT / ".hypothesis", "/proc")
)
_DISK = {"open", "os.listdir", "os.scandir", "os.mkdir", "os.remove", "os.rename", "os.rmdir"}
_OTHER = {
    "_thread.start_new_thread",
    "os.exec",
    "os.fork",
    "os.posix_spawn",
    "os.system",
    "socket.bind",
    "socket.connect",
    "socket.getaddrinfo",
    "socket.gethostbyname",
    "socket.sendto",
    "sqlite3.connect",
    "subprocess.Popen",
}


class _Watch:
    """Collect the events of the unit test that runs now."""

    def __init__(self) -> None:
        # None while no unit test runs: an audit hook stays for the whole process.
        self.seen: list[str] | None = None

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        if self.seen is None:
            return
        # `open` of an integer wraps a descriptor; the opening of its path was an event of its own.
        is_disk = event in _DISK and not isinstance(arguments[0], int)
        if event in _OTHER or (is_disk and not _is_allowed(event, str(arguments[0]))):
            self.seen.append(f"{event} {arguments[:2]!r:.200}")


def _is_allowed(event: str, path: str) -> bool:
    """Whether the access is of the import system, of `/proc` or of a test tool."""
    is_import = event == "os.listdir" or path.endswith((".py", ".pyc"))
    return (is_import and f"{path}/".startswith(f"{ROOT}/")) or f"{path}/".startswith(_ALLOWED)


_WATCH = _Watch()
sys.addaudithook(_WATCH)

# Python 3.11 reports no event when a thread starts.
_start = threading.Thread.start


def _start_watched(thread: threading.Thread) -> None:
    _WATCH("_thread.start_new_thread", (thread,))
    _start(thread)


setattr(threading.Thread, "start", _start_watched)  # noqa: B010 - mypy takes no assignment to a method


@contextmanager
def _pure() -> Generator[None]:
    seen: list[str] = []
    _WATCH.seen = seen
    try:
        yield
    finally:
        _WATCH.seen = None
    if seen:
        pytest.fail("not pure, so it belongs to tests/integration: " + "; ".join(seen[:5]))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, object, object]:
    """Watch the fixtures of a unit test."""
    with _pure():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Watch a unit test."""
    with _pure():
        return (yield)
