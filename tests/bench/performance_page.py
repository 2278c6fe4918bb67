"""`docs/performance.md`: one section an item, written anew by each run of that item and left alone by the others.

Promise: nothing on the page names a host or a path; it says what machine it was, how busy it was, and which command measures again.
What can go wrong: a section of an item that was not run this time may be older than the code; each carries its date and commit.
"""

import os
import platform
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from shared.clock import SystemClock

ROOT: Final = Path(__file__).resolve().parents[2]
PAGE: Final = ROOT / "docs" / "performance.md"
INTRODUCTION: Final = """# How fast Laurel is: each goal of the design, measured against its limit

Each section is one item of the bench, with the command that measures it again. A **limit** is the
least that any solution of the same task would do, measured in the same run before and after the
subject. A **ratio** is the median of the rounds, with the least and the greatest in brackets.
Absolute numbers belong to the machine named beside them: they are reported, never tested.
`make bench` measures everything again, which takes half an hour on a quiet machine with two cores.
`python -m tests.bench ITEM ... [--short] [--rounds N]` measures some of it; `--short` checks that
the bench works and says little about Laurel.
"""
_SECTION: Final = re.compile(r"<!-- item (\w+) -->\n.*?<!-- end \1 -->\n", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Line:
    """One row of an item's table. `met` None: there is no goal, the number is reported."""

    what: str
    measured: str
    limit: str = ""
    goal: str = ""
    met: bool | None = None

    def text(self) -> str:
        verdict = {True: "met", False: "**missed**", None: ""}[self.met]
        cells = (self.what, self.measured, self.limit, self.goal, verdict)
        return f"| {' | '.join(cells)} |"


@dataclass(frozen=True, slots=True)
class Section:
    """What one item found."""

    item: str
    title: str
    lines: Sequence[Line]
    notes: Sequence[str] = field(default_factory=tuple)

    def text(self, command: str) -> str:
        head = "| what | measured | its limit | goal | |\n|---|---|---|---|---|"
        table = "\n".join([head, *(line.text() for line in self.lines)])
        notes = "".join(f"\n- {note}" for note in self.notes)
        return (
            f"<!-- item {self.item} -->\n## {self.title}\n\n{table}\n{notes}\n\n"
            f"`{command}` on {machine()}.\n<!-- end {self.item} -->\n"
        )


def machine() -> str:
    """The machine and its state, as far as it matters to a reader elsewhere."""
    load = os.getloadavg()[0]
    when = SystemClock().now().date().isoformat()
    return (
        f"{len(os.sched_getaffinity(0))} cores ({_model()}), {_memory_gib()} GiB, Python {platform.python_version()}, "
        f"{when}, commit {_commit()}, load average {load:.1f}"
    )


def write(section: Section, command: str) -> None:
    """Put a section on the page, in place of its predecessor."""
    old = PAGE.read_text() if PAGE.exists() else ""
    kept = {match.group(1): match.group(0) for match in _SECTION.finditer(old)}
    kept[section.item] = section.text(command)
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(INTRODUCTION + "".join("\n" + text for text in kept.values()))


def _model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _memory_gib() -> int:
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return round(pages / 2**30)


def _commit() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True
    )
    return done.stdout.strip() or "unknown"
