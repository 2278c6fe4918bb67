"""The effects of changed catalog records: corrected touch counts, and conversions to decide again.

Promise: the counts are exact: the counts by the old facts are subtracted and those by the new facts
are added, in one numbered record. The queued conversions include all that change, and may include
others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from services.attribution.domain.model import CatalogFacts
from services.attribution.domain.tallies import bounds_of, tally
from services.attribution.pipeline.catalog_cache import WorkspaceFacts
from services.attribution.pipeline.deciding import code_subject, link_subject, placement_subject
from services.attribution.pipeline.record_faults import faults_of
from services.attribution.pipeline.unit_of_work import REASON_FACT, merged
from services.attribution.store import catalog_rows as store
from services.attribution.store import recompute_rows
from shared.catalog import (
    AnyCatalogRecord,
    Code,
    CodePeriod,
    Link,
    LinkPeriod,
    Period,
    Placement,
    Policy,
)
from shared.code_texts import CodeText, code_text
from shared.credits import Tally

_Id = TypeVar("_Id", str, CodeText)


@dataclass(slots=True)
class Correction:
    """The entities of one workspace that changed records affect.

    `since` is not empty when a policy changed; a None in it means all conversions.
    """

    workspace_id: str
    before: CatalogFacts
    after: CatalogFacts
    links: set[str] = field(default_factory=set)
    placements: set[str] = field(default_factory=set)
    codes: set[CodeText] = field(default_factory=set)
    since: list[datetime | None] = field(default_factory=list)

    @property
    def subjects(self) -> set[tuple[str, str]]:
        """The affected (workspace, subject) pairs, as `write_subjects` stores them."""
        named = {link_subject(link_id) for link_id in self.links | self.links_to_placements}
        named |= {placement_subject(placement_id) for placement_id in self.placements}
        named |= {code_subject(code) for code in self.codes | self.codes_to_placements}
        return {(self.workspace_id, subject) for subject in named}

    @property
    def links_to_placements(self) -> set[str]:
        """Links that lead to a changed placement, before or after.

        They matter because a touch counts only when its placement exists.
        """
        return self._leading(self.before.links) | self._leading(self.after.links)

    @property
    def codes_to_placements(self) -> set[CodeText]:
        """Codes that lead to a changed placement, before or after: its creator earns by them."""
        return self._leading(self.before.codes) | self._leading(self.after.codes)

    def _leading(self, periods_by_id: Mapping[_Id, Sequence[LinkPeriod | CodePeriod]]) -> set[_Id]:
        if not self.placements:
            return set()
        return {
            entity
            for entity, periods in periods_by_id.items()
            if any(period.placement_id in self.placements for period in periods)
        }


def correct(
    known: WorkspaceFacts, workspace_id: str, records: Sequence[AnyCatalogRecord]
) -> Correction:
    """Compare the facts before and after these records; `known` is not changed."""
    ahead = known.copy()
    for record in records:
        ahead.apply(record)
    correction = Correction(workspace_id, known.facts, ahead.facts)
    for record in records:
        _compare(record, known, ahead, correction)
    return correction


def _compare(
    record: AnyCatalogRecord, before: WorkspaceFacts, after: WorkspaceFacts, found: Correction
) -> None:
    match record:
        case Link():
            if before.links.get(record.id) != after.links[record.id]:
                found.links.add(record.id)
        case Placement():
            if before.placements.get(record.id) != after.placements[record.id]:
                found.placements.add(record.id)
        case Code():
            code = code_text(record.code)
            if before.codes.get(code) != after.codes[code]:
                found.codes.add(code)
        case Policy():
            old = before.policies.get(record.id)
            found.since += [policy.valid_from for policy in (old, record) if policy is not None]
        case _:
            pass


async def queue_recomputes(conn: Any, correction: Correction) -> None:
    """Queue the conversions that the correction may change."""
    await recompute_rows.want_by_subject(conn, correction.subjects, REASON_FACT)
    if correction.since:
        moments = [moment for moment in correction.since if moment is not None]
        is_always = len(moments) < len(correction.since)
        first = None if is_always else min(moments)
        await recompute_rows.want_since(conn, correction.workspace_id, first, REASON_FACT)


async def moved_tallies(conn: Any, correction: Correction) -> tuple[Tally, ...]:
    """Return the counts of the affected touches: less by the old facts, plus by the new ones."""
    links = correction.links | correction.links_to_placements
    boundaries = _boundaries(correction, links)
    workspace = correction.workspace_id
    texts = {code.text for code in correction.codes}
    counts = [
        *await store.count_touches(conn, store.COUNT_OF_LINKS, links, workspace, boundaries),
        *await store.count_touches(
            conn, store.COUNT_OF_PLACEMENTS, correction.placements, workspace, boundaries
        ),
        *await store.count_touches(conn, store.COUNT_OF_CODES, texts, workspace, boundaries),
    ]
    moved: list[Tally] = []
    with faults_of("tally"):
        for count in counts:
            touches = (count.touch,)
            repeats = {count.touch.touch_id} if count.is_repeat else ()
            moved += tally(touches, correction.before, -count.touches, repeats=repeats)
            moved += tally(touches, correction.after, count.touches, repeats=repeats)
    return merged(moved)


def _boundaries(correction: Correction, links: set[str]) -> list[datetime]:
    """Return every time at which an affected link or code changes its owner."""
    periods: list[Period] = []
    for facts in (correction.before, correction.after):
        for link_id in links:
            periods += facts.links.get(link_id, ())
        for code in correction.codes:
            periods += facts.codes.get(code, ())
    # One boundary before all touches makes one segment of all of them.
    return bounds_of(periods) or [recompute_rows.ALWAYS]
