"""An actor: one background task of a process that moves only when the stage lets it, from one gate to the next.

Promise: between two gates exactly one actor runs (and one more that waited for the locks which the first let go), so the order of all
effects is the stage's choice and nothing else's. What the actor is told at a gate may be an error of the world or its own death.
What can go wrong: a task that waits for anything but a gate, the database or a thread would stop the stage; a seed has a time limit.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

# How long an actor runs before somebody looks whether it waits for a lock: some statements long.
GRACE_SECONDS: Final = 0.005


class Killed(BaseException):
    """The process ended here, as by kill -9: nobody catches it and nothing more is said to anybody."""


class Actor:
    """One task. `where` names the gate at which it stands."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.where = "start"
        self.has_committed = False
        self.is_doomed = False
        self.is_dead = False
        self.is_done = False
        # Waits in the database for a lock that another actor holds: it moves by itself once that one lets go.
        self.is_blocked = False
        # What its next transaction locks: names within one service.
        self.locks: frozenset[tuple[int, str]] = frozenset()
        self._gate: asyncio.Future[None] | None = None
        self._arrived = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run to the first gate."""
        self._task = asyncio.create_task(work, name=self.name)
        self._task.add_done_callback(self._end)
        await self.settle()

    async def pause(self, where: str) -> None:
        """Stand at a gate until the stage says go on; raises what the stage sends instead."""
        if self.is_dead:
            raise Killed
        self.where = where
        self._gate = asyncio.get_running_loop().create_future()
        self._arrived.set()
        await self._gate

    def pass_doom(self) -> None:
        """Die here when the stage wanted it: called where no gate may be, with locks held."""
        if self.is_doomed or self.is_dead:
            self.is_dead = True
            raise Killed

    async def step(self, blow: BaseException | None = None) -> None:
        """Go on to the next gate, or meet `blow` at this one."""
        self.release(blow)
        await self.settle()

    async def step_beside(self, waits_for: Callable[[], Awaitable[str | None]]) -> str | None:
        """Go on to the next gate while another actor holds locks: ends blocked, with the answer, when `waits_for` names the kind of lock
        that it waits for. Which of the two happens is no matter of time, because nobody lets go of a lock meanwhile."""
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

    def release(self, blow: BaseException | None = None) -> None:
        """Open the gate, or send `blow` through it."""
        gate, self._gate = self._gate, None
        assert gate is not None, f"{self.name} stands at no gate"
        self._arrived.clear()
        if blow is None:
            gate.set_result(None)
        else:
            gate.set_exception(blow)

    async def kill(self) -> None:
        """End the task where it stands, or, when it waits for a lock or is on its way, at what it does next."""
        self.is_dead = True
        if self._gate is None:
            await self.settle()
        if not self.is_done:
            await self.step(Killed())
        assert self._task is not None, "only what was started is killed"
        await asyncio.wait((self._task,))
        error = self._task.exception()
        if not _is_death(error):
            assert error is not None, "who did not die ended with an error"
            raise error

    def _end(self, _: asyncio.Task[None]) -> None:
        self.is_done = True
        self._arrived.set()

    async def settle(self) -> None:
        """Return when it stands at a gate, or has ended."""
        await self._arrived.wait()
        self.is_blocked = False

    def raise_bug(self) -> None:
        """An actor ends only by being killed: anything else is a bug found."""
        if not self.is_done or self._task is None:
            return
        error = self._task.exception()
        if _is_death(error):
            return
        raise AssertionError(f"{self.name} ended at {self.where}: {error!r}") from error


def _is_death(error: BaseException | None) -> bool:
    """Whether a task ended by its death and nothing else, however many task groups told of it."""
    if isinstance(error, BaseExceptionGroup):
        return error.split(Killed)[1] is None
    return isinstance(error, Killed)
