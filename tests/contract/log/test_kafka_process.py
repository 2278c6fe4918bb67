"""A broker's process is gone when its last thread has ended, because that one holds the ports."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.kafka.server import STOP_SECONDS, KafkaServer

# The first thread ends before another, as in a killed broker. Then the command line is empty.
ENDING = """
import ctypes, sys, threading
threading.Thread(target=sys.stdin.read).start()
print("started", flush=True)
ctypes.CDLL(None).pthread_exit(None)
"""
HOLD_SECONDS = 0.3

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.fixture
def ending(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Yield a process that has begun to end. It ends when its input is closed."""
    with subprocess.Popen(
        [sys.executable, "-c", ENDING, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"started\n"
        (tmp_path / "pid").write_text(str(process.pid))
        while Path(f"/proc/{process.pid}/cmdline").read_bytes():
            pass
        yield process
        process.kill()


def test_a_process_is_gone_with_its_last_thread(
    ending: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    """`kill` does not wait for a process that has ended and is not yet reaped."""
    killing = threading.Thread(target=KafkaServer(tmp_path).kill)
    killing.start()
    killing.join(HOLD_SECONDS)
    assert killing.is_alive()
    assert ending.stdin is not None
    ending.stdin.close()
    killing.join(STOP_SECONDS)
    assert not killing.is_alive(), "`kill` waits until the process is reaped"
    assert ending.returncode is None


def test_another_program_under_the_same_number_is_not_the_broker(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        (tmp_path / "pid").write_text(str(process.pid))
        server = KafkaServer(tmp_path)
        assert server.pid() is None
        server.kill()
        assert process.poll() is None
        process.kill()
