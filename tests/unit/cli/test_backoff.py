"""The waits between the restarts of a child process."""

from datetime import UTC, datetime

from services.cli.processes import HEALTHY_SECONDS, BackOff
from shared.clock import ManualClock


def test_ends_in_a_row_wait_longer_and_longer() -> None:
    clock = ManualClock(datetime(2026, 3, 1, tzinfo=UTC))
    back_off = BackOff(clock)
    waits = []
    for _ in range(6):
        clock.advance(0.5)
        waits.append(back_off.seconds_before_next())
        clock.advance(waits[-1])
    assert waits == [0, 1, 5, 30, 30, 30]


def test_a_healthy_minute_resets_the_wait() -> None:
    clock = ManualClock(datetime(2026, 3, 1, tzinfo=UTC))
    back_off = BackOff(clock)
    for _ in range(3):
        clock.advance(back_off.seconds_before_next())
    clock.advance(HEALTHY_SECONDS)
    assert back_off.seconds_before_next() == 0


def test_the_wait_before_a_start_does_not_count_as_healthy() -> None:
    clock = ManualClock(datetime(2026, 3, 1, tzinfo=UTC))
    back_off = BackOff(clock)
    waits = [back_off.seconds_before_next() for _ in range(4)]
    clock.advance(waits[-1])
    clock.advance(HEALTHY_SECONDS - waits[-1])
    assert back_off.seconds_before_next() == 30
