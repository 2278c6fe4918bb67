"""Install the programs that tests need beside Python, as Debian packages.

Promise: as root on Debian or Ubuntu it installs what is missing and says so. Elsewhere it prints
what to install and returns, because a test without its program skips with that same sentence. With
`REQUIRE_KAFKA=1` such a skip is a failure.
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
    """A program, its Debian package, and what needs it."""

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
    """Return the tools that are not on the path."""
    return tuple(tool for tool in TOOLS if shutil.which(tool.program) is None)


def may_install() -> bool:
    """Whether this process can install Debian packages: it is root and apt-get exists."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(tools: tuple[Tool, ...]) -> None:
    """Install the packages of `tools`; apt-get prints its failures itself."""
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
    """Install what is missing if possible; then print what is still missing. Returns 0."""
    absent = missing()
    if absent and may_install():
        sys.stdout.write(f"Installing {', '.join(tool.package for tool in absent)}\n")
        sys.stdout.flush()
        install(absent)
        absent = missing()
    for tool in absent:
        sys.stdout.write(
            f"MISSING {tool.program}: install the package {tool.package}; "
            f"without it {tool.used_for} cannot run\n"
        )
    return 0


if __name__ == "__main__":
    assert Path("pyproject.toml").exists(), "run from the project's root"
    sys.exit(main())
