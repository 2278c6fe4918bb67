"""Where the jars of the Kafka server come from: Maven resolves `pom.xml` once into a cache outside the tree.

Promise: any number of processes may ask at once; one downloads, the others wait for its lock. A half-done download is never
taken for a whole one.
What can go wrong: Java or Maven is missing, or Maven finds no repository: `KafkaUnavailable` says what to install or shows
Maven's own last words.
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
# Half a minute on a good line; a slow mirror may take minutes.
DOWNLOAD_SECONDS: Final = 600


class KafkaUnavailable(Exception):
    """The server cannot be run on this machine; the message says what to do."""


def missing() -> str:
    """What has to be installed before a server can run; empty when nothing is missing."""
    absent = [program for program in ("java", "mvn") if shutil.which(program) is None]
    if not absent:
        return ""
    return (
        f"Apache Kafka needs {' and '.join(absent)}: install Java 17 and Maven "
        "(Debian: apt-get install openjdk-17-jre-headless maven)"
    )


def jars_folder(cache: Path) -> Path:
    """The folder with all jars, downloaded now if need be."""
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
    """Into a folder of another name first: only a whole download gets the name that is looked for."""
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
