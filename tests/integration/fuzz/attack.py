"""A seeded run of schemathesis against a running service and its own OpenAPI document.

It sends valid and invalid requests of every operation. The test fails for an undeclared status,
content type or shape, for a 5xx, for an error that is no problem, and for a call that works
without its key. The failure shows a command that repeats the request.
`walk` sends requests that use values of the answers before them, as many walks as it is asked for.
What can go wrong: a long run ends its walks early and calls that a success. Hypothesis ends when a
walk that it repeats asks for other values, and values of answers are others each time.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import httpx

from tests.e2e.installation import ADMIN_KEY, Installation

SEED: Final = os.environ.get("SEED", "20261122")
# A wait of the test on a busy machine, not a promise.
SCHEMA_SECONDS_MAX: Final = 120
RUN_SECONDS_MAX: Final = 280
# The other checks of schemathesis are about style, such as refusals that a schema does not show.
CHECKS: Final = ",".join(
    (
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
        "ignored_auth",
    )
)
# Walks that one run is asked for. Longer runs ended after 25 to 170 of 500 walks.
WALKS_OF_RUN: Final = 20
# Runs that may follow, as a multiple of those that would do if none ended early.
RUNS_FACTOR: Final = 4


def attack(
    installation: Installation,
    service: str,
    folder: Path,
    *,
    phases: str,
    examples: int,
    seconds: int,
) -> None:
    """Run schemathesis. `examples` is the most random requests of each operation."""
    options = ("--phases", phases, "--max-examples", str(examples), "--seed", SEED)
    _run(installation, service, folder, options, seconds)


def walk(installation: Installation, service: str, folder: Path, *, walks: int) -> None:
    """Walk from answers to requests by the links of the document, at least so many times."""
    done = 0
    for number in range(RUNS_FACTOR * -(-walks // WALKS_OF_RUN)):
        report = folder / f"walks-{number}.ndjson"
        options = (
            *("--phases", "stateful", "--max-examples", str(WALKS_OF_RUN)),
            *("--seed", str(int(SEED) + number)),
            *("--report", "ndjson", "--report-ndjson-path", str(report)),
        )
        _run(installation, service, folder, options, RUN_SECONDS_MAX)
        done += _walks_in(report)
        if done >= walks:
            return
    raise AssertionError(f"SEED={SEED}: {done} of {walks} walks were done")


def _walks_in(report: Path) -> int:
    """Return how many walks a run reports as done."""
    events = [json.loads(line) for line in report.read_text().splitlines()]
    finished = [event["ScenarioFinished"] for event in events if "ScenarioFinished" in event]
    return sum(one["phase"] == "stateful" and one["status"] == "success" for one in finished)


def _run(
    installation: Installation, service: str, folder: Path, options: Sequence[str], seconds: int
) -> None:
    ran = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "run"),
            f"{installation.url(service)}/openapi.json",
            *("--wait-for-schema", str(SCHEMA_SECONDS_MAX)),
            *options,
            *("--checks", CHECKS, "--suppress-health-check", "all", "--warnings", "off"),
            *("--header", f"Authorization: Bearer {ADMIN_KEY}", "--no-color"),
            *("--continue-on-failure", "--output-sanitize", "false"),
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=seconds,
    )
    assert ran.returncode == 0, f"SEED={SEED}\n{ran.stdout[-20_000:]}\n{ran.stderr[-5_000:]}"
    assert "No issues found" in ran.stdout
    # No unexpected exception happened behind the answers.
    metrics = httpx.get(f"{installation.url(service)}/metrics", timeout=10).text
    assert "laurel_http_unexpected_failures_total{" not in metrics
