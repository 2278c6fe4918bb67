"""The input of a credit model: the kept candidates of a conversion as ordered steps.

Promise: a step has one or more kept candidates of one time, kind and owner class (creators or the
brand). All codes of an order are one step, and so are all owners of one shared code. A code and the
latest kept click of its creator are one member: it counts at the time of the code, for the
placement of the click; the creator's older clicks stay steps of their own. A model gives a share to
each step; the members of a step split it equally. The steps are ordered by time; the codes of the
order come last.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from typing import Final

from msgspec import Struct, structs

from services.attribution.domain.model import Candidate
from shared.credits import TouchKind
from shared.models import Parameters

NOTHING: Final = Fraction(0)
ALL: Final = Fraction(1)
# One share for each step, in the order of the steps.
Shares = Sequence[Fraction]
# The fitted parameters of a data-driven model, read-only; models of rules have none.
Fit = Mapping[str, object]


class Step(Struct, frozen=True, gc=False):
    """One step of a journey. `is_brand`: all its content belongs to the brand, not to creators."""

    occurred_at: datetime
    kind: TouchKind
    is_brand: bool


class ModelInput(Struct, frozen=True, gc=False):
    """The input of a model. `steps` are ordered, oldest first, and never empty."""

    steps: Sequence[Step]
    converted_at: datetime
    parameters: Parameters
    fit: Fit | None = None


class Journey(Struct, frozen=True, gc=False):
    """The steps of a conversion; `members[i]` are the candidates of `steps[i]`.

    A member that is a code with a click has the placement and the link of the click.
    """

    steps: tuple[Step, ...]
    members: tuple[tuple[Candidate, ...], ...]


def journey_of(kept: Sequence[Candidate]) -> Journey:
    """Group kept candidates, in the order of `journey.candidates`, into steps."""
    if len(kept) == 1:
        return Journey((_step(kept),), (tuple(kept),))
    groups: dict[tuple[object, ...], list[Candidate]] = {}
    for candidate in _with_clicks_of_codes(kept):
        # The owners of one code stay together, whoever they are.
        is_brand = candidate.creator_id is None and candidate.code is None
        meaning = (candidate.occurred_at, candidate.kind, is_brand)
        groups.setdefault(meaning, []).append(candidate)
    return Journey(
        tuple(_step(members) for members in groups.values()),
        tuple(tuple(members) for members in groups.values()),
    )


def clicks_of_codes(kept: Sequence[Candidate]) -> dict[str, Candidate]:
    """Return, by creator, the latest kept click of each creator of a kept code."""
    creators = {c.creator_id for c in kept if c.kind == "code" and c.creator_id is not None}
    if not creators:
        return {}
    return {
        candidate.creator_id: candidate
        for candidate in kept
        if candidate.kind == "click"
        and candidate.creator_id is not None
        and candidate.creator_id in creators
    }


def parts_of(members: Sequence[Candidate]) -> list[Fraction]:
    """Return the part of each member in its piece of evidence: the owners of a code share it."""
    owners = Counter(map(_evidence, members))
    return [Fraction(1, owners[_evidence(member)]) for member in members]


def _evidence(member: Candidate) -> str:
    return member.touch_id if member.code is None else f"code:{member.code}"


def _with_clicks_of_codes(kept: Sequence[Candidate]) -> Sequence[Candidate]:
    clicks = clicks_of_codes(kept)
    if not clicks:
        return kept
    joined = set(map(id, clicks.values()))
    return [
        _at_click(candidate, clicks.get(candidate.creator_id or ""))
        for candidate in kept
        if id(candidate) not in joined
    ]


def _at_click(candidate: Candidate, click: Candidate | None) -> Candidate:
    if candidate.kind != "code" or click is None:
        return candidate
    return structs.replace(candidate, placement_id=click.placement_id, link_id=click.link_id)


def _step(members: Sequence[Candidate]) -> Step:
    is_brand = all(member.creator_id is None for member in members)
    return Step(members[0].occurred_at, members[0].kind, is_brand)
