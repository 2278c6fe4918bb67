"""The input of a credit model: the kept candidates of a conversion as ordered steps.

Promise: a step has one or more kept candidates of one time, kind and owner class (creators or the
brand). All codes of an order are one step, and so are several owners of one shared code. A model
gives a share to each step; the members of a step split it equally. The steps are ordered by time;
the codes of the order come last.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Final

from services.attribution.domain.model import Candidate
from shared.credits import TouchKind
from shared.models import Parameters

NOTHING: Final = Fraction(0)
ALL: Final = Fraction(1)
# One share for each step, in the order of the steps.
Shares = Sequence[Fraction]
# The fitted parameters of a data-driven model, read-only; models of rules have none.
Fit = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a journey. `is_brand`: the content belongs to the brand, not to a creator."""

    occurred_at: datetime
    kind: TouchKind
    is_brand: bool


@dataclass(frozen=True, slots=True)
class ModelInput:
    """The input of a model. `steps` are ordered, oldest first, and never empty."""

    steps: Sequence[Step]
    converted_at: datetime
    parameters: Parameters
    fit: Fit | None = None


@dataclass(frozen=True, slots=True)
class Journey:
    """The steps of a conversion; `members[i]` are the candidates of `steps[i]`."""

    steps: tuple[Step, ...]
    members: tuple[tuple[Candidate, ...], ...]


def journey_of(kept: Sequence[Candidate]) -> Journey:
    """Group kept candidates, in the order of `journey.candidates`, into steps."""
    if len(kept) == 1:
        return Journey((_step(kept[0]),), (tuple(kept),))
    groups: dict[tuple[datetime, TouchKind, bool], list[Candidate]] = {}
    for candidate in kept:
        meaning = (candidate.occurred_at, candidate.kind, candidate.creator_id is None)
        groups.setdefault(meaning, []).append(candidate)
    return Journey(
        tuple(Step(*meaning) for meaning in groups),
        tuple(tuple(members) for members in groups.values()),
    )


def _step(candidate: Candidate) -> Step:
    return Step(candidate.occurred_at, candidate.kind, candidate.creator_id is None)
