"""`python -m tests.simulation`: many seeds over all cores, or one seed again.

Promise: a failing seed is printed with the command that replays it, and the exit code is 1. With
`--dump` the canonical dump of the one seed is written to a file.
"""

import argparse
import os
import signal
import sys
from pathlib import Path

from shared.telemetry import configure_logging
from tests.simulation.parallel import play_all, play_one


def say(line: str) -> None:
    """Print a line without delay."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> int:
    """Run the command. Return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=100, help="how many seeds")
    parser.add_argument("--from", type=int, default=0, dest="first", help="the first seed")
    parser.add_argument("--seed", type=int, help="replay this one seed")
    parser.add_argument("--dump", type=Path, help="with --seed: write its canonical dump here")
    parser.add_argument(
        "--database", help="with --seed: the owner's address of a migrated database"
    )
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    asked = parser.parse_args()
    # An exception on SIGTERM, so that the Postgres of the run is stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    configure_logging("simulation", level="CRITICAL")
    if asked.seed is not None:
        report = play_one(asked.seed, asked.database, wants_dump=asked.dump is not None)
        for failure in report.failures:
            say(failure)
        if asked.dump is not None:
            asked.dump.write_text(report.dump)
    else:
        report = play_all(range(asked.first, asked.first + asked.seeds), asked.workers, say)
    say(str(report))
    return 1 if report.failures else 0


if __name__ == "__main__":
    sys.exit(main())
