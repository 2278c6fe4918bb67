"""Helpers for one event loop: let other tasks run between items, and await two things at once.

Promise: `gather_both` returns only after both awaitables have ended, also when one fails.
What can go wrong: work that never awaits blocks every other task of the loop.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import Final, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
First = TypeVar("First")
Second = TypeVar("Second")

# Other tasks run after so many items. Records of the log take some tenths of a millisecond.
SLICE_ITEMS: Final = 50


async def yield_control() -> None:
    """Let the other tasks of the loop run once."""
    await asyncio.sleep(0)  # noqa: TID251 - it waits for no time, so it needs no clock


async def in_slices(items: Iterable[Item], size: int) -> AsyncIterator[Item]:
    """Yield the items. Other tasks run after every `size` of them."""
    for number, item in enumerate(items, 1):
        yield item
        if number % size == 0:
            await yield_control()


async def map_in_slices(work: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """Return `work(item)` for each item. Other tasks run after every `SLICE_ITEMS` items."""
    done: list[Result] = []
    for start in range(0, len(items), SLICE_ITEMS):
        done += map(work, items[start : start + SLICE_ITEMS])
        await yield_control()
    return done


async def gather_both(first: Awaitable[First], second: Awaitable[Second]) -> tuple[First, Second]:
    """Return both results after both have ended.

    If both fail, the exception of `first` is raised.
    """
    one, other = await asyncio.gather(first, second, return_exceptions=True)
    if isinstance(one, BaseException):
        raise one
    if isinstance(other, BaseException):
        raise other
    return one, other
