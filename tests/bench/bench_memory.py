"""Goal 6, tracking: its memory per link, with the catalog from the log and from the snapshot.

Promise: resident memory of the real process as the kernel counts it. A link has a code of 8
characters and a destination of 76.
What can go wrong: the allocator keeps freed memory, so the number includes the peak of loading.
"""

from functools import partial
from pathlib import Path
from typing import Final

from tests.bench.child_processes import Child, Processes, scratch, wait_until, wait_until_answers
from tests.bench.performance_page import Line, Section
from tests.bench.pinned_kafka import kafka
from tests.bench.scale import Scale
from tests.bench.tracking_process import BenchBrand, code_of, publish, start_tracking

BASE_BYTES: Final = 150 * 2**20
LINK_BYTES: Final = 400


def measure(scale: Scale) -> Section:
    """Run the whole item."""
    lines: list[Line] = []
    with scratch() as folder, Processes(folder) as processes, kafka(folder) as bootstrap:
        data = folder / "tracking"
        data.mkdir()
        brand = BenchBrand(1)
        publish(bootstrap, brand.records())
        child, port, _ = start_tracking(processes, "streamed", data, f"kafka://{bootstrap}")
        have = 0
        for links in scale.links:
            scale.tell(f"{links} links over the log")
            brand.links = links
            if have:
                publish(bootstrap, brand.records(first_link=have))
            have = links
            address = f"http://127.0.0.1:{port}/{code_of(links - 1)}"
            seconds = wait_until_answers(address, child, 302)
            lines.append(_line(f"{links:,} links over the log ({seconds:.0f} s)", links, child))
        snapshot = data / "tracking" / "catalog.snapshot"
        scale.tell("waiting for the snapshot")
        wait_until(partial(_is_written, snapshot, have), "the snapshot", child)
        lines.append(_line(f"{have:,} links, snapshot written", have, child))
        child.stop()
        scale.tell("again from the snapshot")
        again, _, seconds = start_tracking(processes, "restarted", data, f"kafka://{bootstrap}")
        lines.append(
            _line(f"{have:,} links from the snapshot ({seconds:.1f} s to ready)", have, again)
        )
    return Section(
        "memory",
        "Memory of tracking",
        lines,
        (
            "Resident memory, with its peak in brackets.",
            f"The goal is {BASE_BYTES // 2**20} MiB and {LINK_BYTES} bytes per link.",
        ),
    )


def _is_written(path: Path, links: int) -> bool:
    return path.exists() and path.stat().st_size > links * 100


def _line(what: str, links: int, child: Child) -> Line:
    now, most = child.memory_bytes(), child.memory_bytes("VmHWM")
    goal = BASE_BYTES + links * LINK_BYTES
    return Line(
        what,
        f"{_mib(now)} (most {_mib(most)})",
        goal=f"≤ {_mib(goal)}",
        met=now <= goal,
    )


def _mib(size_bytes: int) -> str:
    return f"{size_bytes / 2**20:.0f} MiB"
