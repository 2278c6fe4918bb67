"""Goal 7: seconds until `make run` is ready, on a fresh clone without an environment, and again.

Promise: a clone of the last commit in an empty folder. "Ready" means that the admin key works on
all three services. The cold start installs every dependency by pip with its existing cache.
What can go wrong: without a package index the cold start raises.
"""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Final

import httpx

from services.cli.postgres_folder import find
from tests.bench.child_processes import BenchFailed, scratch
from tests.bench.performance_page import ROOT, Line, Section
from tests.bench.scale import Scale
from tests.e2e.installation import Installation

COLD_SECONDS_MAX: Final = 600
STOP_SECONDS_MAX: Final = 30


def measure(scale: Scale) -> Section:
    """Run the whole item."""
    with scratch() as folder:
        clone = folder / "clone"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        laurel = Installation(folder / "laurel")
        try:
            scale.tell("cold")
            cold = _start(laurel, clone)
            warm = []
            for _ in range(scale.rounds):
                scale.tell("warm")
                warm.append(_start(laurel, clone))
            shutil.rmtree(_postgres(laurel), ignore_errors=True)
            shutil.rmtree(laurel.folder / "data", ignore_errors=True)
            scale.tell("warm, without data")
            without_data = _start(laurel, clone)
        finally:
            shutil.rmtree(_postgres(laurel), ignore_errors=True)
    lines = [
        Line("fresh clone, empty `.venv`, no data: `make run` to ready", f"{cold:.1f} s"),
        Line("`.venv` there, no data", f"{without_data:.1f} s"),
        Line("`.venv` and data there (median)", f"{sorted(warm)[len(warm) // 2]:.1f} s"),
    ]
    return Section(
        "start",
        "Seconds to ready of `make run`",
        lines,
        ("Ready: the admin key works on all three services. pip's own cache is left as it is.",),
    )


def _postgres(laurel: Installation) -> Path:
    return find((laurel.folder / "data").resolve()).folder


def _start(laurel: Installation, clone: Path) -> float:
    began = time.monotonic()
    with (laurel.folder / "make.log").open("ab") as output:
        process = subprocess.Popen(
            ["make", "run"],
            cwd=clone,
            env=laurel.environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        while not _is_ready(laurel):
            if process.poll() is not None or time.monotonic() - began > COLD_SECONDS_MAX:
                raise BenchFailed(f"make run was not ready:\n{laurel.output()}")
            time.sleep(0.05)
        return time.monotonic() - began
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)
        process.wait(STOP_SECONDS_MAX)


def _is_ready(laurel: Installation) -> bool:
    try:
        laurel.client("roi").get("/v1/workspace").raise_for_status()
        laurel.client("attribution").get("/v1/lag").raise_for_status()
        laurel.client("tracking").post("/v1/events", json=[]).raise_for_status()
    except httpx.HTTPError:
        return False
    return True
