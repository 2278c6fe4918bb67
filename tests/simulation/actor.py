"""An actor: one background task of a process that runs from one pause point to the next.

Promise: the scheduler resumes one actor at a time. A second one runs only if it waited for locks
that the first released. So the scheduler alone chooses the order of all effects. At a pause point
it may raise an error in the actor, or kill it.
What can go wrong: a task that waits for anything but a pause point, the database or a thread
blocks the scheduler, until the time limit of the seed.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

# How long an actor runs before the scheduler checks whether it waits for a lock: some statements.
GRACE_SECONDS: Final = 0.005


class Killed(BaseException):
    """The process ended here, as by kill -9. Product code does not catch it."""


class Actor:
    """One task. `where` names the pause point at which it waits."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.where = "start"
        self.has_committed = False
        self.is_doomed = False
        self.is_dead = False
        self.is_done = False
        # It waits for a database lock of another actor and goes on when that one releases it.
        self.is_blocked = False
        # The locks of its next transaction: (pool, name).
        self.locks: frozenset[tuple[int, str]] = frozenset()
        self._pause: asyncio.Future[None] | None = None
        self._arrived = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run to the first pause point."""
        self._task = asyncio.create_task(work, name=self.name)
        self._task.add_done_callback(self._end)
        await self.settle()

    async def pause(self, where: str) -> None:
        """Wait until the scheduler resumes the actor. Raises the error that it sends instead."""
        if self.is_dead:
            raise Killed
        self.where = where
        self._pause = asyncio.get_running_loop().create_future()
        self._arrived.set()
        await self._pause

    def die_if_doomed(self) -> None:
        """Raise `Killed` if the scheduler chose it, at a place with locks and no pause point."""
        if self.is_doomed or self.is_dead:
            self.is_dead = True
            raise Killed

    async def step(self, error: BaseException | None = None) -> None:
        """Run to the next pause point; with `error`, raise it at this one first."""
        self.release(error)
        await self.settle()

    async def step_beside(self, waits_for: Callable[[], Awaitable[str | None]]) -> str | None:
        """Run to the next pause point while another actor holds locks.

        If it waits for a lock, return the kind of lock from `waits_for` and mark it as blocked. No
        lock is released meanwhile, so the outcome does not depend on time.
        """
        self.release()
        while not self._arrived.is_set():
            try:
                async with asyncio.timeout(GRACE_SECONDS):
                    await self._arrived.wait()
            except TimeoutError:
                kind = await waits_for()
                if kind is not None:
                    self.is_blocked = True
                    return kind
        return None

    def release(self, error: BaseException | None = None) -> None:
        """End the pause, or raise `error` from it."""
        pause, self._pause = self._pause, None
        assert pause is not None, f"{self.name} is at no pause point"
        self._arrived.clear()
        if error is None:
            pause.set_result(None)
        else:
            pause.set_exception(error)

    async def kill(self) -> None:
        """End the task at its pause point. A task that waits for a lock ends at its next one."""
        self.is_dead = True
        if self._pause is None:
            await self.settle()
        if not self.is_done:
            await self.step(Killed())
        assert self._task is not None, "only a started actor can be killed"
        await asyncio.wait((self._task,))
        error = self._task.exception()
        if not _is_kill(error):
            assert error is not None, "an actor that was not killed ends with an error"
            raise error

    def _end(self, _: asyncio.Task[None]) -> None:
        self.is_done = True
        self._arrived.set()

    async def settle(self) -> None:
        """Wait until the actor is at a pause point or has ended."""
        await self._arrived.wait()
        self.is_blocked = False

    def raise_bug(self) -> None:
        """Fail if the actor ended without being killed: that is a bug of the product."""
        if not self.is_done or self._task is None:
            return
        error = self._task.exception()
        if _is_kill(error):
            return
        raise AssertionError(f"{self.name} ended at {self.where}: {error!r}") from error


def _is_kill(error: BaseException | None) -> bool:
    """Return whether `error` is `Killed`, also inside groups, and nothing else."""
    if isinstance(error, BaseExceptionGroup):
        return error.split(Killed)[1] is None
    return isinstance(error, Killed)
