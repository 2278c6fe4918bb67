"""Exports: how fast raw entries are streamed, and how much memory the service takes for it.

It is part of the item `answers`, which has filled a service. The memory is that of the service's
process, read while the file is streamed.
"""

import time
from collections.abc import Mapping
from typing import Final

import httpx

from tests.bench.child_processes import Child
from tests.bench.performance_page import Line

# How often the memory is read: each time so much has come.
LOOK_EVERY_BYTES: Final = 1024 * 1024


def export_line(server: Child, port: int, headers: Mapping[str, str]) -> Line:
    """Stream all entries of one model and return the rows a second and the growth of memory."""
    before = most = server.memory_bytes()
    rows = size = looked_at = 0
    began = time.perf_counter()
    address = f"http://127.0.0.1:{port}/v1/exports/credits.csv?from=all"
    with httpx.stream("GET", address, headers=dict(headers), timeout=60) as response:
        assert response.status_code == 200
        for chunk in response.iter_bytes():
            rows += chunk.count(b"\r\n")
            size += len(chunk)
            if size - looked_at >= LOOK_EVERY_BYTES:
                looked_at, most = size, max(most, server.memory_bytes())
    seconds = time.perf_counter() - began
    megabytes, grown = size / 1e6, (most - before) / 1e6
    return Line(
        f"export of {rows:,} ledger entries as CSV, {megabytes:.0f} MB",
        f"{rows / seconds:,.0f} rows/s, memory + {grown:.0f} MB",
    )
