"""Measure Laurel against its limits and write `docs/performance.md`.

`python -m tests.bench [ITEM ...] [--short] [--rounds N]` runs some items or all. All of them take
at most half an hour on an idle machine with two cores.
Promise: exit status 0 when every item ran, also with missed goals, which are on the page; 1 when an
item could not run.
"""

import argparse
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from tests.bench import (
    bench_answers,
    bench_attribution,
    bench_backlog,
    bench_intake,
    bench_long_journeys,
    bench_memory,
    bench_overload,
    bench_pages,
    bench_redirect,
    bench_start,
    bench_visible,
)
from tests.bench.performance_page import Section, write
from tests.bench.scale import Scale, short

ITEMS: Final[Mapping[str, Callable[[Scale], Section]]] = {
    "redirect": bench_redirect.measure,
    "intake": bench_intake.measure,
    "overload": bench_overload.measure,
    "memory": bench_memory.measure,
    "backlog": bench_backlog.measure,
    "attribution": bench_attribution.measure,
    "journeys": bench_long_journeys.measure,
    "answers": bench_answers.measure,
    "visible": bench_visible.measure,
    "pages": bench_pages.measure,
    "start": bench_start.measure,
}


def tell(text: str) -> None:
    """Print progress at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    """Run the named items, or all."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=main.__doc__)
    parser.add_argument("items", nargs="*", metavar="ITEM", help=f"of {', '.join(ITEMS)}")
    parser.add_argument(
        "--short", action="store_true", help="seconds instead of minutes; to try it out"
    )
    parser.add_argument(
        "--dry", action="store_true", help="print the page's sections, write nothing"
    )
    parser.add_argument(
        "--rounds", type=int, help="how often each subject is measured; 5 at full size"
    )
    given = parser.parse_args()
    unknown = set(given.items) - set(ITEMS)
    if unknown:
        parser.error(f"no such item: {', '.join(sorted(unknown))}; there are {', '.join(ITEMS)}")
    # SIGTERM raises like Ctrl-C, so processes and folders are removed.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    scale = short(tell) if given.short else Scale(tell)
    scale = replace(scale, rounds=given.rounds or scale.rounds)
    failed = [name for name in given.items or ITEMS if not _run(name, scale, is_dry=given.dry)]
    if failed:
        tell(f"could not run: {', '.join(failed)}")
    return 1 if failed else 0


def _run(name: str, scale: Scale, *, is_dry: bool) -> bool:
    tell(f"== {name}")
    began = time.monotonic()
    try:
        section = ITEMS[name](scale)
    except Exception:  # noqa: BLE001 - the other items still run
        traceback.print_exc()
        return False
    size = "--short" if scale.is_short else f"--rounds {scale.rounds}"
    command = f"python -m tests.bench {name} {size}"
    tell(section.text(command))
    tell(f"{name} took {time.monotonic() - began:.0f} s")
    if not is_dry:
        write(section, command)
    return True


if __name__ == "__main__":
    sys.exit(main())
