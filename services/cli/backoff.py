"""How long to wait before something that died is started again: 0, 1, 5, then 30 seconds.

Promise: the first restart is at once, since most deaths are accidents; one that keeps dying is tried every 30 s and never given
up. Whatever stayed healthy for a minute has earned a clean record.
"""

from typing import Final

from shared.clock import Clock

WAIT_SECONDS: Final = (0.0, 1.0, 5.0, 30.0)
HEALTHY_SECONDS: Final = 60.0


class BackOff:
    """The record of one child. Make it when the child first starts."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._deaths = 0
        self._started_at = clock.monotonic()

    def seconds_before_next(self) -> float:
        """The child just died: how long to wait before the next start, which is taken to follow."""
        now = self._clock.monotonic()
        if now - self._started_at >= HEALTHY_SECONDS:
            self._deaths = 0
        wait_seconds = WAIT_SECONDS[min(self._deaths, len(WAIT_SECONDS) - 1)]
        self._deaths += 1
        self._started_at = now + wait_seconds
        return wait_seconds
