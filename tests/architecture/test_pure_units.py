"""The conftest of the unit tests fails every test that is not pure."""

import subprocess
import sys
from pathlib import Path

IMPURE_AND_PURE = """
import os, socket, sqlite3, subprocess, sys, threading
from pathlib import Path

def test_file(): Path(__file__).with_suffix(".txt").write_text("made")
def test_swallowed():
    try: Path("absent").read_text()
    except OSError: pass
def test_fixture(tmp_path): pass
def test_thread(): threading.Thread(target=print).start()
def test_opened_descriptor():
    os.fdopen(os.open(Path(__file__).with_suffix(".out"), os.O_WRONLY | os.O_CREAT), "w").close()
def test_process(): subprocess.run([sys.executable, "-c", ""])
def test_sqlite(): sqlite3.connect(":memory:").close()
def test_socket():
    with socket.socket() as listener: listener.bind(("127.0.0.1", 0))
def test_pure():
    import xml.dom.minidom
    assert Path("a").name == "a"
def test_given_descriptor(): os.fdopen(os.dup(1), "w").close()
async def test_pure_too(): pass
"""


def test_a_unit_test_that_uses_the_machine_fails(tmp_path: Path) -> None:
    (tmp_path / "test_kinds.py").write_text(IMPURE_AND_PURE)
    told = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", tmp_path / "test_kinds.py", "-rA"),
            *("--rootdir", tmp_path, "-n", "0", "-o", "asyncio_mode=auto"),
            *("-p", "tests.unit.conftest", "-p", "no:randomly", "-p", "no:cacheprovider"),
        ],
        capture_output=True,
        text=True,
    ).stdout
    results = {
        line.split("::")[1].split()[0]: line.split()[0]
        for line in told.splitlines()
        if line.startswith(("PASSED", "FAILED", "ERROR"))
    }
    assert results == {
        "test_file": "FAILED",
        "test_swallowed": "FAILED",
        "test_fixture": "ERROR",
        "test_opened_descriptor": "FAILED",
        "test_thread": "FAILED",
        "test_process": "FAILED",
        "test_sqlite": "FAILED",
        "test_socket": "FAILED",
        "test_pure": "PASSED",
        "test_given_descriptor": "PASSED",
        "test_pure_too": "PASSED",
    }, told
    assert told.count("belongs to tests/integration") >= 8
