"""The jars of the Kafka server: Maven resolves `pom.xml` once into a cache outside the tree.

Promise: many processes may call at once; one downloads and the others wait for its lock. A partial
download is never used.
What can go wrong: Java or Maven is missing, or Maven finds no repository. `KafkaUnavailable` says
what to install, or shows the last output of Maven.
"""

import fcntl
import hashlib
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

POM: Final = Path(__file__).with_name("pom.xml")
# 30 s on a fast connection; a slow mirror may take minutes.
DOWNLOAD_SECONDS: Final = 600


class KafkaUnavailable(Exception):
    """The server cannot run on this machine; the message says what to do."""


def missing() -> str:
    """Return a sentence that names the missing programs; empty when none is missing."""
    absent = [program for program in ("java", "mvn") if shutil.which(program) is None]
    if not absent:
        return ""
    return (
        f"Apache Kafka needs {' and '.join(absent)}: install Java 17 and Maven "
        "(Debian: apt-get install openjdk-17-jre-headless maven)"
    )


def jars_folder(cache: Path) -> Path:
    """Return the folder with all jars; download them if they are missing."""
    if problem := missing():
        raise KafkaUnavailable(problem)
    version = hashlib.sha256(POM.read_bytes()).hexdigest()[:12]
    folder = cache / f"jars-{version}"
    cache.mkdir(parents=True, exist_ok=True)
    with _locked(cache / "download.lock"):
        if not folder.is_dir():
            _download(folder)
    return folder


def _download(folder: Path) -> None:
    """Download into a temporary folder and rename it when the download is complete."""
    partial = folder.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    done = subprocess.run(
        [
            *("mvn", "--batch-mode", "--quiet", "--file", str(POM)),
            *("dependency:copy-dependencies", "-DincludeScope=runtime"),
            f"-DoutputDirectory={partial}",
        ],
        capture_output=True,
        text=True,
        timeout=DOWNLOAD_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        raise KafkaUnavailable(
            f"Maven could not resolve {POM}:\n{done.stdout[-2_000:]}{done.stderr[-500:]}"
        )
    partial.rename(folder)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
