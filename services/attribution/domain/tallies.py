"""The number of touches of each account, by kind, stage, link, code and quarter of an hour.

Promise: each touch counts once, with or without consent, for its owner at its time; a touch without
an owner counts for `organic`. Robots, previews, prefetches and repeat clicks are counted apart, as
`flagged`. The same touches and facts with the opposite sign subtract exactly what was counted. The
default stages are used, so a policy never changes a count.
"""

from bisect import bisect_right
from collections.abc import Collection, Iterable
from datetime import datetime

from services.attribution.domain.model import CatalogFacts, Touch
from services.attribution.domain.ownership import owners_of_touch
from services.attribution.domain.quarters import quarter_at, quarter_number
from services.attribution.domain.repeats import is_flagged
from services.attribution.domain.stages import touch_stage
from shared.catalog import Period
from shared.code_texts import CodeText
from shared.credits import ORGANIC, Tally, TouchKind

# The target of a touch: (link, placement, code); one of them is set.
_Lead = tuple[str | None, str | None, CodeText | None]
# Account, kind, number of the quarter of an hour, link and code ("": none).
_Slot = tuple[str, TouchKind, int, str, str]


def tally(
    touches: Iterable[Touch],
    facts: CatalogFacts,
    sign: int = 1,
    taken_back: Iterable[Touch] = (),
    repeats: Collection[str] = (),
) -> tuple[Tally, ...]:
    """Count touches (`sign` 1) or subtract them (`sign` -1), in canonical order.

    `taken_back` counts with the opposite sign. `repeats` are the ids of those of `touches` that are
    repeat clicks; none of `taken_back` is one. Tallies of zero are left out.
    """
    counts: dict[_Slot, list[int]] = {}
    accounts = _Accounts(facts)
    for group, weight, apart in ((touches, sign, repeats), (taken_back, -sign, ())):
        for touch in group:
            code = touch.code.text if touch.code is not None else ""
            quarter = quarter_number(touch.occurred_at)
            slot = accounts.of(touch), touch.kind, quarter, touch.link_id or "", code
            found = counts.get(slot)
            if found is None:
                found = counts[slot] = [0, 0]
            found[touch.touch_id in apart or is_flagged(touch)] += weight
    # Nearly every touch of a batch has a slot of its own, but kinds and quarters are few.
    stages = {kind: touch_stage(kind, {}) for kind in {slot[1] for slot in counts}}
    starts = {number: quarter_at(number) for number in {slot[2] for slot in counts}}
    ordered = sorted(counts.items())
    return tuple(
        [
            Tally(
                account=account,
                kind=kind,
                stage=stages[kind],
                quarter_at=starts[quarter],
                counted=counted,
                flagged=flagged,
                link_id=link_id or None,
                code=code or None,
            )
            for (account, kind, quarter, link_id, code), (counted, flagged) in ordered
            if counted or flagged
        ]
    )


def bounds_of(periods: Iterable[Period]) -> list[datetime]:
    """Return the times at which a period begins or ends, in order."""
    bounds = {bound for period in periods for bound in (period.valid_from, period.valid_to)}
    return sorted(bound for bound in bounds if bound is not None)


class _Accounts:
    """The accounts of touches, looked up once for each target and period of a link or code."""

    def __init__(self, facts: CatalogFacts) -> None:
        self._facts = facts
        self._unchanging: dict[_Lead, str] = {}
        self._changes: dict[_Lead, list[datetime]] = {}
        self._known: dict[tuple[_Lead, int], str] = {}

    def of(self, touch: Touch) -> str:
        """Return the account of a touch."""
        lead = touch.link_id, touch.placement_id, touch.code
        account = self._unchanging.get(lead)
        if account is not None:
            return account
        changes = self._changes.get(lead)
        if changes is None:
            changes = self._changes[lead] = self._changes_of(lead)
        if not changes:
            account = self._unchanging[lead] = self._look_up(touch)
            return account
        slot = lead, bisect_right(changes, touch.occurred_at)
        account = self._known.get(slot)
        if account is None:
            account = self._known[slot] = self._look_up(touch)
        return account

    def _look_up(self, touch: Touch) -> str:
        owners = owners_of_touch(touch, self._facts)
        return owners[0].placement_id if owners else ORGANIC

    def _changes_of(self, lead: _Lead) -> list[datetime]:
        """Return the times at which a period of the link or code begins or ends."""
        link_id, _, code = lead
        periods: tuple[Period, ...] = ()
        if link_id is not None:
            periods = self._facts.links.get(link_id, ())
        elif code is not None:
            periods = self._facts.codes.get(code, ())
        return bounds_of(periods)
