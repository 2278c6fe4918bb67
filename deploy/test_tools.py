"""Brings the programs that tests need beside Python: Java, Maven, docker-compose, nginx and Chromium, as Debian packages.

Promise: as root on Debian or Ubuntu it installs what is missing and says so; anywhere else it says exactly what to install and
goes on, because the tests that need a missing part skip with that same sentence. With `REQUIRE_KAFKA=1` those skips are failures.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

APT_SECONDS_MAX: Final = 900  # a slow mirror; the whole of CI has 90 minutes


@dataclass(frozen=True, slots=True)
class Tool:
    """A program, the Debian package that brings it, and what is lost without it."""

    program: str
    package: str
    used_for: str


TOOLS: Final = (
    Tool("java", "openjdk-17-jre-headless", "the tests on a real Apache Kafka"),
    Tool("mvn", "maven", "fetching the Apache Kafka server"),
    Tool("docker-compose", "docker-compose", "checking docker-compose.yml (no engine needed)"),
    Tool("nginx", "nginx-light", "the tests of the proxy's configuration"),
    Tool("chromium", "chromium", "the browser test"),
)


def missing() -> tuple[Tool, ...]:
    """The tools that are not on the path."""
    return tuple(tool for tool in TOOLS if shutil.which(tool.program) is None)


def may_install() -> bool:
    """Whether Debian packages can be installed here: root, and apt-get at hand."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(tools: tuple[Tool, ...]) -> None:
    """Install the packages of `tools`; a failure is printed by apt-get itself and the caller looks again."""
    packages = [tool.package for tool in tools]
    quiet = ("-qq", "-o", "Dpkg::Use-Pty=0")
    for words in (("update",), ("install", "-y", "--no-install-recommends", *packages)):
        subprocess.run(
            ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", *quiet, *words],
            check=False,
            timeout=APT_SECONDS_MAX,
            stdout=subprocess.DEVNULL,
        )


def main() -> int:
    """Install what is missing where that is allowed, then say what is still missing. Always 0: the tests decide."""
    absent = missing()
    if absent and may_install():
        sys.stdout.write(f"Installing {', '.join(tool.package for tool in absent)}\n")
        sys.stdout.flush()
        install(absent)
        absent = missing()
    for tool in absent:
        sys.stdout.write(
            f"MISSING {tool.program}: install the package {tool.package}; without it {tool.used_for} cannot run\n"
        )
    return 0


if __name__ == "__main__":
    assert Path("pyproject.toml").exists(), "run from the project's root"
    sys.exit(main())
