"""The only reader of the wall clock: an interface, the system clock, and a manual clock for tests.

Promise: `now()` is an aware UTC datetime. `sleep()` belongs to the same interface, so a test with a
manual clock never waits.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Protocol

from typing_extensions import override


class Clock(Protocol):
    """The time source of a component."""

    def now(self) -> datetime:
        """Return the present time, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds on a clock that never steps back; only differences are meaningful."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait for `seconds`."""
        ...


class SystemClock(Clock):
    """The clock of the machine."""

    @override
    def now(self) -> datetime:
        return datetime.now(UTC)

    @override
    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    @override
    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class ManualClock(Clock):
    """A clock that only moves by `advance` and by `sleep`, which returns at once."""

    def __init__(self, start: datetime) -> None:
        self._now = start
        self._elapsed_seconds = 0.0

    @override
    def now(self) -> datetime:
        return self._now

    @override
    def monotonic(self) -> float:
        return self._elapsed_seconds

    @override
    async def sleep(self, seconds: float) -> None:
        self.advance(seconds)
        await asyncio.sleep(0)

    def advance(self, seconds: float) -> None:
        """Move the clock forward, or back with a negative number, to test clock jumps."""
        self._now += timedelta(seconds=seconds)
        self._elapsed_seconds += max(0.0, seconds)
