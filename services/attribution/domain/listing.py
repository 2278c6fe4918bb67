"""What is stored and shown of a decision: at most 100 candidates, and its credits in short.

Promise: all candidates decide and earn. At most 100 of them are stored: what the order carries
itself (its codes and click), then the oldest and newest of the kept, then the oldest and newest of
the rejected. The others are counted by reason. The list depends only on the candidates. Credits of
one ledger slot are one credit; a model with more than 100 slots has one credit for each account,
touch kind and evidence class. The ledger has every slot, and memos keep theirs.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import structs

from services.attribution.domain.ledger import added_up, slotted
from services.attribution.domain.model import Candidate, Credit, Decision, Unlisted

LISTED_MAX: Final = 100
# What is carried or rejected never takes the whole list.
CARRIED_MAX: Final = 50
REJECTED_LEAST: Final = 20


def listed(decision: Decision) -> Decision:
    """Return the decision as it is stored; a decision that is stored already is unchanged."""
    decision = slotted(decision)
    decision = structs.replace(decision, credits=_in_short(decision.credits))
    candidates = decision.candidates
    if len(candidates) <= LISTED_MAX:
        return decision
    chosen = _chosen(candidates)
    left_out = Counter(
        candidate.reason for place, candidate in enumerate(candidates) if place not in chosen
    )
    return structs.replace(
        decision,
        candidates=tuple(candidates[place] for place in sorted(chosen)),
        unlisted=tuple(Unlisted(reason, left_out[reason]) for reason in sorted(left_out, key=str)),
    )


def _in_short(credits: Sequence[Credit]) -> tuple[Credit, ...]:
    """Return the credits, of a model with many slots one for each account, kind and class."""
    slots = Counter(credit.model for credit in credits)
    if all(count <= LISTED_MAX for count in slots.values()):
        return tuple(credits)
    groups: dict[tuple[object, ...], list[Credit]] = {}
    for place, credit in enumerate(credits):
        alike = (credit.account, credit.touch_kind, credit.evidence_class, credit.touch_stage)
        is_long = slots[credit.model] > LISTED_MAX
        groups.setdefault((credit.model, *alike) if is_long else (place,), []).append(credit)
    return tuple(_sum_of(group) for group in groups.values())


def _sum_of(slots: Sequence[Credit]) -> Credit:
    """Return the sum of slots, with the link and code that all of them have."""
    links, codes = ({getattr(slot, name) for slot in slots} for name in ("link_id", "code"))
    return structs.replace(
        added_up(slots),
        link_id=slots[0].link_id if len(links) == 1 else None,
        code=slots[0].code if len(codes) == 1 else None,
    )


def _chosen(candidates: Sequence[Candidate]) -> set[int]:
    """Return the places of the candidates to list of more than fit."""
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
