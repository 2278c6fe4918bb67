"""One bounded retry policy for operations that failed transiently: doubling waits with jitter, then the last error.

Promise: only `Transient` is tried again, at most `attempts_max` times in all; everything else passes at once. Never
put around the log's append or a database batch: their callers redo the whole batch from the stored offset instead.
"""

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from shared.clock import Clock
from shared.errors import Transient

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how long. The waits are `wait_ms`, twice that, and so on up to `wait_ms_max`."""

    attempts_max: int = 5
    wait_ms: int = 50
    wait_ms_max: int = 2_000

    def wait_before(self, attempt: int, chance: float) -> int:
        """Milliseconds to wait before `attempt` (the second is 2): half fixed, half by `chance` in [0, 1), so that
        processes that failed together do not come back together."""
        full_ms = min(self.wait_ms_max, self.wait_ms << (attempt - 2))
        return full_ms // 2 + int(full_ms / 2 * chance)


async def retry(
    operation: Callable[[], Awaitable[Result]],
    *,
    clock: Clock,
    policy: RetryPolicy | None = None,
    chance: Callable[[], float] = random.random,
) -> Result:
    """Run `operation` until it succeeds, fails permanently or the policy ends; then raise its last `Transient`."""
    chosen = policy or RetryPolicy()
    for attempt in range(2, chosen.attempts_max + 1):
        try:
            return await operation()
        except Transient:
            await clock.sleep(chosen.wait_before(attempt, chance()) / 1000)
    return await operation()
