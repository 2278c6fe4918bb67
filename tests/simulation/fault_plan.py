"""The faults of one seed, drawn from its random numbers.

Promise: without faults after `is_calm` is set.
"""

from collections import Counter
from random import Random
from typing import Final

from typing_extensions import override

from shared.log.topics import CATALOG, CREDITS, EVENTS, Topic
from tests.simulation.actor import Actor
from tests.simulation.pausable import AppendOutcome, FaultPlan

APPEND_TROUBLE_ODDS: Final = 0.25
# How often a transaction is paused before its commit, so that others meet its locks.
HOLD_ODDS: Final = 0.5


class SeedFaultPlan(FaultPlan):
    """The faults of a seed. `holder` is the actor that is paused while it holds locks."""

    def __init__(self, random: Random) -> None:
        self.is_calm = False
        self.may_be_late = frozenset({EVENTS.name, CREDITS.name, CATALOG.name})
        self.may_compact = False
        self.holder: Actor | None = None
        self.appends: Counter[str] = Counter()
        self._random = random
        self._batch = random.choice((3, 10, 25, 60))
        # Without early records, a late correction recomputes what an event should have recomputed.
        self._is_catalog_early = random.random() < 0.4

    @override
    def of_append(self, topic: Topic) -> AppendOutcome:
        outcome = AppendOutcome.ARRIVES
        if not self.is_calm and self._random.random() < APPEND_TROUBLE_ODDS:
            outcome = self._random.choice(list(AppendOutcome))
        if outcome is AppendOutcome.LATE and topic.name not in self.may_be_late:
            outcome = AppendOutcome.REFUSED
        self.appends[f"append {outcome.value}"] += 1
        return outcome

    @override
    def prefix(self, records: int) -> int:
        return self._random.randrange(records + 1)

    @override
    def publish_size(self, topic: Topic) -> int:
        if topic is CATALOG and not self.is_calm and not self._is_catalog_early:
            # One record at a time, so that most of them correct decisions that exist.
            return self._random.randrange(3)
        return self.fetch_size()

    @override
    def fetch_size(self) -> int:
        return 200 if self.is_calm else self._random.randrange(1, 2 * self._batch)

    @override
    def holds_locks(self, actor: Actor) -> bool:
        if self.is_calm or self.holder is not None or self._random.random() >= HOLD_ODDS:
            return False
        self.holder = actor
        return True

    def release(self, actor: Actor) -> bool:
        """Forget the holder if it is this actor. Return whether it was."""
        is_holder = self.holder is actor
        if is_holder:
            self.holder = None
        return is_holder
