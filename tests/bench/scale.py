"""The sizes of a run: the full one, and `--short` to check that the bench works."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scale:
    """Sizes of a run. `tell` prints progress."""

    tell: Callable[[str], None]
    rounds: int = 5
    seconds: float = 3.0
    visible_seconds: float = 30.0
    links: tuple[int, ...] = (1, 100_000, 1_000_000)
    events: int = 120_000
    backlog: int = 1_500_000
    is_short: bool = False


def short(tell: Callable[[str], None]) -> Scale:
    """Return the sizes of `--short`."""
    return Scale(tell, 1, 2.0, 6.0, (1, 10_000), 20_000, 50_000, is_short=True)
