"""The candidates of a conversion: which touches can earn, before the precedence of code and link.

Promise: a candidate is kept, or rejected with one reason of the closed list. At most `room` touches
and the codes of the order are kept: 10,000 for one conversion of a person, fewer where touches
decide many. Of a series of repeat clicks one is kept. The result depends only on the touches
between `earliest_at` and `latest_at` and on the clicks that the order carries, so a bounded query
gives the same result as the whole history.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from services.attribution.domain.model import (
    Candidate,
    CatalogFacts,
    ConversionVersion,
    SurveyAnswer,
    Touch,
)
from services.attribution.domain.ownership import Owner, owners_of_code, owners_of_touch
from services.attribution.domain.reasons import Reason
from services.attribution.domain.repeats import without_repeats
from services.attribution.domain.surveys import is_late
from shared.catalog import Policy
from shared.code_texts import CodeText
from shared.credits import WINDOWS_DAYS
from shared.events import Quality

# Clocks of shops have whole seconds and lag; a click that an order carries happened before it.
CARRIED_CLICK_LATE_MINUTES: Final = 5
# Older touches cannot count; without a bound the list of a returning customer would only grow.
LISTED_BACK_DAYS: Final = 366
TOUCHES_MAX: Final = 10_000  # a longer journey comes from a robot or a shared terminal
# Touches times the conversions that they decide are bounded, too, down to this many touches each.
TOUCHES_LEAST: Final = 100
# Older touches than those that decide are listed so far, to say that the journey was too long.
TOO_LONG_LISTED_MAX: Final = 100

_FLAG_REASONS: Final = {
    Quality.BOT: Reason.BOT,
    Quality.PREVIEW: Reason.BOT,
    Quality.PREFETCH: Reason.PREFETCH,
}


class Evidence(Struct, frozen=True, gc=False):
    """The time and the codes of one conversion, and the ids of the clicks that it carries.

    `answer` is the survey answer that names the conversion.
    """

    occurred_at: datetime
    codes: tuple[CodeText, ...]
    carried: frozenset[str]
    answer: SurveyAnswer | None = None


def room_for(conversions: int) -> int:
    """Return how many touches decide each of so many conversions with the same touches."""
    return max(TOUCHES_MAX // conversions, TOUCHES_LEAST)


def earliest_at(occurred_at: datetime, policy: Policy) -> datetime:
    """Return the time of the oldest possible candidate."""
    return occurred_at - timedelta(days=max(*windows_of(policy).values(), LISTED_BACK_DAYS))


def windows_of(policy: Policy) -> dict[str, int]:
    """Return the look-back of each touch kind in days; 0 means that the kind never counts."""
    return {**WINDOWS_DAYS, **policy.windows_days}


def latest_at(occurred_at: datetime) -> datetime:
    """Return the time of the newest possible candidate; carried clicks may be later."""
    return occurred_at + timedelta(minutes=CARRIED_CLICK_LATE_MINUTES)


def with_derived_clicks(
    touches: Iterable[Touch], versions: Iterable[ConversionVersion]
) -> tuple[Touch, ...]:
    """Return each touch once in canonical order.

    A click that an order carries and that never arrived is rebuilt from its click id, which the
    redirect signed.
    """
    rebuilt = [touch for version in versions if (touch := _rebuilt_click(version)) is not None]
    by_id: dict[str, Touch] = {}
    for touch in (*touches, *rebuilt):
        other = by_id.get(touch.touch_id)
        if other is None or (other != touch and _trust_order(touch) < _trust_order(other)):
            by_id[touch.touch_id] = touch
    return tuple(sorted(by_id.values(), key=lambda t: (t.occurred_at, t.touch_id)))


def candidates(
    evidence: Evidence,
    touches: Sequence[Touch],
    policy: Policy,
    facts: CatalogFacts,
    room: int = TOUCHES_MAX,
) -> tuple[Candidate, ...]:
    """Judge the touches of a person (each once, in canonical order). The newest `room` can earn.

    The candidates are sorted oldest first; the codes of the order come last.
    """
    start, end = earliest_at(evidence.occurred_at, policy), latest_at(evidence.occurred_at)
    near = [t for t in touches if start <= t.occurred_at <= end or t.touch_id in evidence.carried]
    windows = windows_of(policy)
    found: list[Candidate] = []
    for touch in reversed(near):
        reason = _rejection(touch, evidence, windows)
        if reason is not Reason.AFTER_CONVERSION:
            room -= 1
            if room < 0 and reason is None and touch.touch_id not in evidence.carried:
                reason = Reason.JOURNEY_TOO_LONG
        found += _of_touch(touch, reason, facts, carried=touch.touch_id in evidence.carried)
    if evidence.answer is not None:
        found.append(_of_answer(evidence.answer, evidence.occurred_at, facts))
    found.sort(key=_by_time)
    return (*without_repeats(found, near), *_of_codes(evidence, facts))


def _by_time(candidate: Candidate) -> tuple[datetime, str, str]:
    return (candidate.occurred_at, candidate.touch_id, candidate.placement_id or "")


def _rebuilt_click(version: ConversionVersion) -> Touch | None:
    if version.click is None or version.click_touch_id is None:
        return None
    clicks = [key for key in version.keys if key[:1] == b"k"]
    return Touch(
        touch_id=version.click_touch_id,
        kind="click",
        occurred_at=version.click.occurred_at,
        anon_key=clicks[0] if len(clicks) == 1 else None,
        click_key=clicks[0] if len(clicks) == 1 else None,
        link_id=version.click.link_id,
        derived=True,
        source_kind="edge",
    )


def _trust_order(touch: Touch) -> tuple[bool, str]:
    """Return the sort key that puts the real click before the rebuilt one."""
    return (touch.derived, repr(touch))


def _rejection(touch: Touch, evidence: Evidence, windows: Mapping[str, int]) -> Reason | None:
    """Return the reason why a touch cannot earn, apart from its owner; None when it can."""
    is_carried = touch.touch_id in evidence.carried
    late = timedelta(minutes=CARRIED_CLICK_LATE_MINUTES if is_carried else 0)
    if touch.occurred_at.replace(microsecond=0) > evidence.occurred_at + late:
        return Reason.AFTER_CONVERSION
    if not touch.consent:
        return Reason.NO_CONSENT
    # A click that came back on the order was a person's, whatever its flag.
    for flag, reason in _FLAG_REASONS.items():
        if flag in touch.quality and not is_carried:
            return reason
    # A kind without a window never counts: its numbers belong to no person.
    window = timedelta(days=windows.get(touch.kind, 0))
    if not window or evidence.occurred_at - touch.occurred_at > window:
        return Reason.OUTSIDE_WINDOW
    return None


def _of_touch(
    touch: Touch, reason: Reason | None, facts: CatalogFacts, *, carried: bool
) -> list[Candidate]:
    """Return a candidate for each account of the touch; without an account a rejected one."""
    owners: tuple[Owner | None, ...] = owners_of_touch(touch, facts)
    if not owners:
        unowned = Reason.LINK_NOT_OWNED_THEN if touch.code is None else Reason.CODE_NOT_OWNED_THEN
        owners, reason = (None,), reason or unowned
    return [
        Candidate(
            touch_id=touch.touch_id,
            kind=touch.kind,
            placement_id=owner.placement_id if owner else None,
            creator_id=owner.creator_id if owner else None,
            occurred_at=touch.occurred_at,
            verdict="rejected" if reason else "kept",
            reason=reason,
            link_id=touch.link_id,
            code=touch.code.text if touch.code else None,
            carried=carried,
        )
        for owner in owners
    ]


def _of_answer(answer: SurveyAnswer, at: datetime, facts: CatalogFacts) -> Candidate:
    """Return the candidate of a survey answer. One given after the order has the order's time."""
    creator = facts.placements.get(answer.placement_id or "")
    reason = Reason.NAMES_NOBODY if creator is None else None
    if is_late(answer, at):
        reason = Reason.AFTER_CONVERSION
    return Candidate(
        touch_id=answer.event_id,
        kind="survey",
        placement_id=answer.placement_id,
        creator_id=creator or None,
        occurred_at=answer.occurred_at
        if reason is Reason.AFTER_CONVERSION
        else min(answer.occurred_at, at),
        verdict="rejected" if reason else "kept",
        reason=reason,
        carried=True,
    )


def _of_codes(evidence: Evidence, facts: CatalogFacts) -> list[Candidate]:
    """Return the codes of the order: a candidate for each owner at its time, or a rejected one."""
    found: list[Candidate] = []
    for code in evidence.codes:
        owners: tuple[Owner | None, ...] = owners_of_code(code, evidence.occurred_at, facts)
        found += [_of_code(code, owner, evidence.occurred_at) for owner in owners or (None,)]
    return sorted(found, key=_by_time)


def _of_code(code: CodeText, owner: Owner | None, at: datetime) -> Candidate:
    return Candidate(
        touch_id=f"code:{code.text}:{owner.placement_id if owner else ''}",
        kind="code",
        placement_id=owner.placement_id if owner else None,
        creator_id=owner.creator_id if owner else None,
        occurred_at=at,
        verdict="kept" if owner else "rejected",
        reason=None if owner else Reason.CODE_NOT_OWNED_THEN,
        code=code.text,
        carried=True,
    )
