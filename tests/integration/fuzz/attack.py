"""A seeded run of schemathesis against a running service and its own OpenAPI document.

It sends valid and invalid requests of every operation. The test fails for an undeclared status,
content type or shape, for a 5xx, for an error that is no problem, and for a call that works
without its key. The failure shows a command that repeats the request.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import httpx

from tests.e2e.installation import ADMIN_KEY, Installation

SEED: Final = os.environ.get("SEED", "20261122")
# A wait of the test on a busy machine, not a promise.
SCHEMA_SECONDS_MAX: Final = 120
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
    ran = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "run"),
            f"{installation.url(service)}/openapi.json",
            *("--wait-for-schema", str(SCHEMA_SECONDS_MAX)),
            *("--phases", phases, "--max-examples", str(examples), "--seed", SEED),
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
