"""What is kept of a decision: at most 100 candidates, and its credits by ledger slot.

Promise: all candidates decide and earn. At most 100 of them are stored and shown: what the order
carries itself (its codes and click), then the oldest and newest of the kept, then the oldest and
newest of the rejected. The others are counted by reason. The list depends only on the candidates.
The credits of one slot are stored as one credit, so the ledger follows from what is stored.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from services.attribution.domain.ledger import by_slot
from services.attribution.domain.model import Candidate, Decision, Unlisted

LISTED_MAX: Final = 100
# What is carried or rejected never takes the whole list.
CARRIED_MAX: Final = 50
REJECTED_LEAST: Final = 20


def listed(decision: Decision) -> Decision:
    """Return the decision as it is stored; a decision that is stored already is unchanged."""
    candidates = decision.candidates
    chosen = _chosen(candidates)
    left_out = Counter(
        candidate.reason for place, candidate in enumerate(candidates) if place not in chosen
    )
    counted = tuple(Unlisted(reason, left_out[reason]) for reason in sorted(left_out, key=str))
    return replace(
        decision,
        candidates=tuple(candidates[place] for place in sorted(chosen)),
        unlisted=counted or decision.unlisted,
        credits=by_slot(decision.credits),
        memos=by_slot(decision.memos),
    )


def _chosen(candidates: Sequence[Candidate]) -> set[int]:
    """Return the places of the candidates to list."""
    if len(candidates) <= LISTED_MAX:
        return set(range(len(candidates)))
    carried, kept, rejected = _groups(candidates)
    chosen = _ends(carried, CARRIED_MAX)
    room = LISTED_MAX - len(chosen)
    chosen += _ends(kept, room - min(len(rejected), REJECTED_LEAST))
    chosen += _ends(rejected, LISTED_MAX - len(chosen))
    return set(chosen)


def _groups(candidates: Iterable[Candidate]) -> tuple[list[int], list[int], list[int]]:
    carried: list[int] = []
    kept: list[int] = []
    rejected: list[int] = []
    for place, candidate in enumerate(candidates):
        if candidate.carried:
            carried.append(place)
        else:
            (kept if candidate.verdict == "kept" else rejected).append(place)
    return carried, kept, rejected


def _ends(places: Sequence[int], room: int) -> list[int]:
    """Return at most `room` places: half of them the first ones, the others the last ones."""
    if len(places) <= room:
        return list(places)
    first = room // 2
    return [*places[:first], *places[len(places) - (room - first) :]]
