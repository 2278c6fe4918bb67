"""What weakens the figures of an answer: each weakness is an id, and a sentence for people. Pure.

Promise: a warning is given only where figures of this answer are concerned, and says what to do.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from uuid import UUID

from services.roi.answers.assemble import Answer
from services.roi.answers.building import Gathered
from services.roi.answers.cells import Cell
from services.roi.answers.context import AnswerContext, WorkspaceStop
from services.roi.answers.dimensions.campaign import CAMPAIGN
from services.roi.answers.exchange import Gap
from services.roi.answers.filters import Filter
from services.roi.answers.kinds import Dimension, Fact, FromRow
from services.roi.answers.measures.contribution import CONTRIBUTION
from services.roi.answers.measures.cost import COST
from services.roi.answers.measures.modelled_leads import LEADS_WITHOUT_WORTH
from services.roi.answers.measures.social_counts import COUNTS_FALLEN
from services.roi.answers.plan import Wanted
from services.roi.answers.sizes import CELLS_MAX, LEADS_MAX, PEOPLE_MAX
from services.roi.answers.value_gaps import value_rates_lacking
from services.roi.domain.lead_worth import LOOKED_BACK, MATURED_LEAST
from services.roi.domain.rollup import ORGANIC_ACCOUNT
from shared.money import format_minor

STOPPED: Final = "stopped"
NO_MARGIN: Final = "no_margin"
COSTS_WITHOUT_PLACEMENT: Final = "costs_without_placement"
COSTS_WITHOUT_WEIGHT: Final = "costs_without_weight"
OVERHEAD: Final = "overhead"
FILTERED_COSTS: Final = "filtered_costs"
OVERLAPPING: Final = "overlapping"
UNPAID: Final = "unpaid"
STALE: Final = "stale"
NO_GOAL: Final = "no_goal"
MISSING_RATE: Final = "missing_rate"
TOO_MANY_PEOPLE: Final = "too_many_people"
MISSING_VALUE_RATE: Final = "missing_value_rate"
# Names in one sentence; the others are counted.
_NAMED_MAX: Final = 3
# A shop that sells every day sends something on each; a weekend alone is no sign.
STALE_AFTER: Final = timedelta(days=3)


def warnings_of(
    at: AnswerContext,
    everything: Gathered,
    wanted: Wanted,
    to: date | datetime,
    now: datetime | None,
) -> list[dict[str, str]]:
    """Return the warnings of an answer; `now` None: it was asked for as of a moment.

    `everything` is the data before filters.
    """
    found = everything.filtered(wanted.filters)
    told = (
        (STOPPED, _stopped(at.stop)),
        (NO_MARGIN, _no_margin(found)),
        (COSTS_WITHOUT_PLACEMENT, _costs_without_placement(found)),
        (COSTS_WITHOUT_WEIGHT, _costs_without_weight(found)),
        (OVERHEAD, _overhead(found)),
        (FILTERED_COSTS, _filtered_costs(everything, wanted.filters)),
        (OVERLAPPING, _overlapping(wanted.dimensions)),
        (UNPAID, _unpaid(found)),
        (COUNTS_FALLEN.id, _counts_fallen(found)),
        (MISSING_VALUE_RATE, value_rates_lacking(found)),
        (LEADS_WITHOUT_WORTH.id, _leads_without_worth(found)),
        (TOO_MANY_PEOPLE, _too_many_people(found)),
        (STALE, _stale(at, to, now)),
    )
    return [{"id": name, "sentence": sentence} for name, sentence in told if sentence]


def rates_lacking(
    found: Gathered, currency: str | None, gaps: Iterable[Gap]
) -> list[dict[str, str]]:
    """Return a warning for each currency that has amounts without an exchange rate."""
    starts = found.plan.starts
    days: dict[str, list[date | None]] = {}
    for gap in sorted(gaps):
        following = bisect_right(starts, gap.first_on)
        end = starts[following] - timedelta(days=1) if following < len(starts) else None
        days.setdefault(gap.currency, [gap.first_on]).append(end)
    return [
        {
            "id": MISSING_RATE,
            "sentence": (
                f"No exchange rate of {code} into {currency} is known {_stretch(ends)}, so figures"
                " with such amounts are missing: `POST /v1/rates` with `kind: exchange` sets one."
            ),
        }
        for code, ends in days.items()
    ]


def _stretch(ends: Sequence[date | None]) -> str:
    """Return the days from the first to the last; None: to the end of the answer's days."""
    first, last = ends[0], ends[-1]
    if last is None:
        return f"from {first} on"
    return f"on {first}" if first == last else f"from {first} to {last}"


def goals_lacking(
    found: Gathered, answer: Answer, with_goals: Container[UUID]
) -> list[dict[str, str]]:
    """Return the warning that campaigns of the rows have no goal; none when all have one."""
    ids = {row.group.get(CAMPAIGN.id) for row in answer.rows} - {None}
    lacking = sorted(
        found.facts.labels.get(campaign, str(campaign))
        for campaign in map(UUID, filter(None, ids))
        if campaign not in with_goals
    )
    if not lacking:
        return []
    named, others = lacking[:_NAMED_MAX], len(lacking) - _NAMED_MAX
    names = ", ".join(named) + (f" and {others} more" if others > 0 else "")
    sentence = (
        f"No goal is set for {'the campaign' if len(lacking) == 1 else 'the campaigns'} {names}:"
        " `POST /v1/goals` with `campaign_id` sets one."
    )
    return [{"id": NO_GOAL, "sentence": sentence}]


def _stopped(stop: WorkspaceStop | None) -> str | None:
    if stop is None:
        return None
    cause = f"cannot be used ({stop.problem})" if stop.problem else "has not come"
    return (
        f"The figures of this workspace stand still since {_text(stop.stopped_at)}: credits record"
        f" {stop.sequence} {cause}. `laurel replay --publish` publishes it again."
    )


def _no_margin(found: Gathered) -> str | None:
    lacking = [millionths is None for _, millionths in found.plan.margins]
    earned = (
        sums.get(CONTRIBUTION.id)
        for cell, sums in _sums(found, Fact.CREDITS)
        if cell.account != ORGANIC_ACCOUNT
    )
    if not any(lacking) or not any(earned):
        return None
    days = "these days" if all(lacking) else "a part of these days"
    return (
        f"No margin is set for {days}, so profit and roi count revenue as if goods cost nothing:"
        " `POST /v1/policies` with `margin` sets it."
    )


def _costs_without_placement(found: Gathered) -> str | None:
    told = _costs(found, lambda cell: cell.account is None and cell.owner is not None)
    if not told:
        return None
    return (
        f"{told} of cost is carried by no placement, because none was published by the end of its"
        " days: it stands with its creator or campaign, and elsewhere on the row `unallocated`."
    )


def _unpaid(found: Gathered) -> str | None:
    told = _amounts_of(found, found.unpaid)
    if not told:
        return None
    return (
        f"{told} of cost of these days is not paid, so it is in no figure of `cash`:"
        " `PATCH /v1/costs/{id}` with `paid_on` says when it was."
    )


def _amounts_of(found: Gathered, cells: Iterable[Cell]) -> str:
    names = [measure.id for measure in found.plan.cost_measures]
    return _amounts((cell, dict(zip(names, cell.sums, strict=True))) for cell in cells)


def _costs_without_weight(found: Gathered) -> str | None:
    told = _amounts_of(found, found.unweighted)
    if not told:
        return None
    return (
        f"{told} of cost is to be spread by clicks, views or credit, and its placements have none"
        " in its days: they share it equally. `PATCH /v1/costs/{id}` changes its `spread` or days."
    )


def _overhead(found: Gathered) -> str | None:
    told = _costs(found, lambda cell: cell.account is None and cell.owner is None)
    if not told:
        return None
    return f"{told} of cost is overhead: it is a row of its own, and not a part of `program`."


def _filtered_costs(everything: Gathered, filters: Sequence[Filter]) -> str | None:
    without = [
        asked.dimension.label.lower()
        for asked in filters
        if isinstance(asked.dimension.source, FromRow) and not asked.passes([None])
    ]
    told = _costs(everything, lambda _cell: True)
    if not without or not told:
        return None
    return f"{told} of cost is not in these figures, because costs have no {' or '.join(without)}."


def _overlapping(dimensions: Sequence[Dimension]) -> str | None:
    names = [dimension.label.lower() for dimension in dimensions if dimension.overlapping]
    if not names:
        return None
    return (
        f"Content with several values of {names[0]} is in several rows with all of its figures, so"
        " the rows add up to more than the totals."
    )


def _counts_fallen(found: Gathered) -> str | None:
    fallen = -sum(sums.get(COUNTS_FALLEN.id, 0) for _, sums in _sums(found, Fact.COUNTS))
    if not fallen:
        return None
    return (
        f"Social counts fell by {fallen} from one report to the next: a platform takes back what it"
        " does not count any more, or a report was wrong. The falls are in the figures; a corrected"
        " report of the same placement, source and time replaces a wrong one."
    )


def _leads_without_worth(found: Gathered) -> str | None:
    if found.has_too_many_leads:
        return (
            f"More than {LEADS_MAX} leads came in {LOOKED_BACK.days} days, or too many orders of"
            " their people, so open leads are not counted and nothing is modelled of them."
        )
    sums = _sums(found, Fact.OPEN_LEADS)
    if not any(sums_of.get(LEADS_WITHOUT_WORTH.id) for _, sums_of in sums):
        return None
    return (
        "What open leads will bring is not known: a lead is worth what leads before it brought in"
        f" their first 90 days, and fewer than {MATURED_LEAST} are that old and had not bought at"
        " its age."
    )


def _too_many_people(found: Gathered) -> str | None:
    if not found.has_too_many_people:
        return None
    return (
        f"These days have more than {PEOPLE_MAX} conversions, or more than {CELLS_MAX} sums of them"
        " by row and day, so their people are not counted: ask for fewer days."
    )


def _costs(found: Gathered, is_meant: Callable[[Cell], bool]) -> str:
    """Return the amounts of some cells of costs, by currency; "" for none."""
    return _amounts(item for item in _sums(found, Fact.COSTS) if is_meant(item[0]))


def _amounts(cells: Iterable[tuple[Cell, dict[str, int]]]) -> str:
    """Return the costs of cells in words, by currency; "" for none."""
    amounts: Counter[str] = Counter()
    for cell, sums in cells:
        amounts[cell.currency] += sums.get(COST.id, 0)
    return " and ".join(
        f"{format_minor(amount, currency)} {currency}"
        for currency, amount in sorted(amounts.items())
        if amount
    )


def _stale(at: AnswerContext, to: date | datetime, now: datetime | None) -> str | None:
    if now is None or not at.sequence:
        return None
    end = to if isinstance(to, datetime) else datetime.combine(to, time.max, UTC)
    if min(end, now) - at.fresh_to <= STALE_AFTER:
        return None
    return (
        f"Nothing was recorded since {_text(at.fresh_to)}, but these days go on: check that the"
        " shop and the links still report, with `laurel doctor`."
    )


def _sums(found: Gathered, fact: Fact) -> Iterator[tuple[Cell, dict[str, int]]]:
    """Yield each cell of a fact with its sums by measure."""
    for batch in found.batches:
        if batch.measures[0].fact is fact:
            names = [measure.id for measure in batch.measures]
            for cell in batch.cells:
                yield cell, dict(zip(names, cell.sums, strict=True))


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
