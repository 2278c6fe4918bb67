"""The precedence of code and link when they name different creators.

Promise: the four rules are rows of one table. Only candidates of other creators are superseded; the
other candidates of the winning creator stay.
"""

from collections.abc import Sequence
from typing import Final, Literal

from msgspec import Struct, structs

from services.attribution.domain.model import Candidate
from services.attribution.domain.reasons import Reason
from shared.catalog import Precedence


class Rule(Struct, frozen=True, gc=False):
    """`winner` None: both share. `alone`: it wins only when all its evidence names one creator."""

    winner: Literal["code", "click"] | None
    reason: Reason = Reason.SUPERSEDED_BY_CODE
    alone: bool = False


RULES: Final[dict[Precedence, Rule]] = {
    Precedence.CODE_WINS: Rule("code"),
    Precedence.LINK_WINS: Rule("click", Reason.SUPERSEDED_BY_LINK),
    Precedence.BOTH_SHARE: Rule(None),
    Precedence.UNIQUE_CODE_WINS: Rule("code", alone=True),
}


def apply(candidates: Sequence[Candidate], precedence: Precedence) -> tuple[Candidate, ...]:
    """Reject the candidates that lose against the winning code or link."""
    rule = RULES[precedence]
    winners = {c.creator_id for c in candidates if _kept(c) and c.kind == rule.winner}
    if not winners or (rule.alone and len(winners) > 1):
        return tuple(candidates)
    return tuple(
        structs.replace(candidate, verdict="rejected", reason=rule.reason)
        if _kept(candidate) and _loses(candidate, rule) and candidate.creator_id not in winners
        else candidate
        for candidate in candidates
    )


def _kept(candidate: Candidate) -> bool:
    return candidate.verdict == "kept"


def _loses(candidate: Candidate, rule: Rule) -> bool:
    """Whether the rule can supersede a candidate: a code beats all, a link beats codes only."""
    return candidate.kind != "code" if rule.winner == "code" else candidate.kind == "code"
