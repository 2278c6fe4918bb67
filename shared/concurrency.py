"""Taking turns on one event loop: give way to others, and do two things beside each other.

Promise: `beside` leaves nothing running behind, whichever of the two fails. What can go wrong: work that never awaits holds up everything.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
First = TypeVar("First")
Second = TypeVar("Second")

# After so many items others have their turn: some tenths of a millisecond for records of the log.
SLICE_ITEMS: Final = 50


async def yield_control() -> None:
    """Let the loop's other tasks run once."""
    await asyncio.sleep(0)  # noqa: TID251 - no time is asked for, so it is no clock's business


async def map_in_slices(work: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """What `work` makes of each item, giving way in between."""
    done: list[Result] = []
    for start in range(0, len(items), SLICE_ITEMS):
        done += map(work, items[start : start + SLICE_ITEMS])
        await yield_control()
    return done


async def gather_both(first: Awaitable[First], second: Awaitable[Second]) -> tuple[First, Second]:
    """Both results, when both have ended; then the failure of the first is raised, else that of the second."""
    one, other = await asyncio.gather(first, second, return_exceptions=True)
    if isinstance(one, BaseException):
        raise one
    if isinstance(other, BaseException):
        raise other
    return one, other
