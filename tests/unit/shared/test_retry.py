"""The retry policy: bounded, only for what is transient, on an injected clock."""

from datetime import UTC, datetime

import pytest

from shared.clock import ManualClock
from shared.errors import Permanent, Transient
from shared.retry import RetryPolicy, retry

START = datetime(2026, 1, 1, tzinfo=UTC)


class Flaky:
    """Fails a number of times, then gives how often it was called."""

    def __init__(self, failures: int, error: type[Exception] = Transient) -> None:
        self.calls, self._failures, self._error = 0, failures, error

    async def __call__(self) -> int:
        self.calls += 1
        if self.calls <= self._failures:
            raise self._error(f"attempt {self.calls}")
        return self.calls


async def test_it_tries_again_until_it_succeeds() -> None:
    clock = ManualClock(START)
    assert await retry(Flaky(3), clock=clock, chance=lambda: 0.0) == 4
    assert clock.monotonic() == pytest.approx((25 + 50 + 100) / 1000)


async def test_it_ends_with_the_last_error() -> None:
    flaky = Flaky(99)
    policy = RetryPolicy(attempts_max=3)
    with pytest.raises(Transient, match="attempt 3"):
        await retry(flaky, clock=ManualClock(START), policy=policy)
    assert flaky.calls == 3


async def test_permanent_failures_pass_at_once() -> None:
    flaky = Flaky(1, Permanent)
    with pytest.raises(Permanent):
        await retry(flaky, clock=ManualClock(START))
    assert flaky.calls == 1


def test_waits_are_capped_and_jittered() -> None:
    policy = RetryPolicy(wait_ms=100, wait_ms_max=1_000)
    assert [policy.wait_before(attempt, 0.0) for attempt in (2, 3, 9)] == [50, 100, 500]
    assert [policy.wait_before(attempt, 0.99) for attempt in (2, 3, 9)] == [99, 199, 995]
