"""One attack by schemathesis on a running service, out of its own OpenAPI document, seeded.

Promise: valid and invalid requests of every operation; an answer that the document does not declare (status, type, shape), a 5xx, an error that
is no problem JSON, or a call that works without its key fails the test with a command line that shows it again.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import httpx

from tests.e2e.installation import ADMIN_KEY, Installation

SEED: Final = os.environ.get("SEED", "20261122")
# What is left out judges style (may a body be refused for more than its schema says?), not promises.
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
    house: Installation, service: str, folder: Path, *, phases: str, examples: int, seconds: int
) -> None:
    """Run it to its end; `examples` bounds the random requests of each operation."""
    ran = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "run"),
            f"{house.url(service)}/openapi.json",
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
    # Nothing is broken behind the answers either.
    metrics = httpx.get(f"{house.url(service)}/metrics", timeout=10).text
    assert "laurel_http_unexpected_failures_total{" not in metrics
