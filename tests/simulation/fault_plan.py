"""The faults of one seed: what the seams are told, drawn from the seed alone.

Promise: all is well once the calm has begun.
"""

from collections import Counter
from random import Random
from typing import Final

from typing_extensions import override

from shared.log.topics import CATALOG, CREDITS, EVENTS, Topic
from tests.simulation.actor import Actor
from tests.simulation.pausable import AppendOutcome, FaultPlan

APPEND_TROUBLE_ODDS: Final = 0.25
# How often a transaction is parked before its commit: others then meet its locks.
HOLD_ODDS: Final = 0.5


class SeedFaultPlan(FaultPlan):
    """What a seed has in store. `holder` is who stands parked with its locks."""

    def __init__(self, random: Random) -> None:
        self.is_calm = False
        self.may_be_late = frozenset({EVENTS.name, CREDITS.name, CATALOG.name})
        self.may_compact = False
        self.holder: Actor | None = None
        self.appends: Counter[str] = Counter()
        self._random = random
        self._batch = random.choice((3, 10, 25, 60))
        # Else a late correction decides again what an event should have decided again.
        self._are_facts_early = random.random() < 0.4

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
        if topic is CATALOG and not self.is_calm and not self._are_facts_early:
            # CatalogFacts come one by one, so that most of them correct what was decided already.
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

    def let_go(self, actor: Actor) -> bool:
        """Whether it was this one that holds."""
        is_holder = self.holder is actor
        if is_holder:
            self.holder = None
        return is_holder
