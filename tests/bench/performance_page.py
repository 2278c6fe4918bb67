"""`docs/performance.md`: one section per item, rewritten by each run of that item.

Promise: the page names no host and no path. A section has the machine, its load, and its command.
What can go wrong: a section may be older than the code; each has its date and commit.
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
    """One row in the table of an item; `met` is None without a goal."""

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
    """The results of one item."""

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
    """Return the machine and its load, without names of hosts."""
    load = os.getloadavg()[0]
    when = SystemClock().now().date().isoformat()
    return (
        f"{len(os.sched_getaffinity(0))} cores ({_model()}), {_memory_gib()} GiB,"
        f" Python {platform.python_version()}, {when}, commit {_commit()}, load average {load:.1f}"
    )


def write(section: Section, command: str) -> None:
    """Replace the section of an item on the page."""
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
