"""Questions between two times: random cuts, compared with a pure answer made from every record.

Promise: in zones whose days have 23 and 25 hours, no midnight, quarter-hour offsets, or a clock
that goes back over midnight, an answer equals the pure one. Its rows and the organic part add up to
its totals, and two neighbouring spans add up to the span that holds both.
"""

import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any, Final, get_args
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from services.roi.answers.assemble import Answer, Layout, assemble
from services.roi.answers.catalog_facts import CatalogFacts
from services.roi.answers.cells import Batch, Cell
from services.roi.answers.cost_spread import Cost, Spread
from services.roi.answers.dictionary import DIMENSIONS, METRICS_IN_ORDER
from services.roi.answers.kinds import Entity, Fact, Measure
from services.roi.answers.question import BASES, MODELS, Question
from services.roi.domain.cost_span import default_span
from services.roi.domain.rollup import account_id
from shared.credits import (
    ORGANIC,
    AnyCredits,
    CreditEntry,
    DecisionCredited,
    Tally,
    TouchesTallied,
)
from shared.events import Stage
from shared.ids import new_id
from tests.fixtures.postgres import DatabaseFactory
from tests.integration.roi.roi_workspace import RoiWorkspace, StandingOrder, labels
from tests.integration.roi.test_answers_hold import ADDITIVE, GROUPS, by_currency, check_sums

LINKS = [new_id(), new_id()]
QUARTER = timedelta(minutes=15)
DAY = timedelta(days=1)
# A zone and the moment of its clock change; the history covers the days around it.
TURNS = (
    ("UTC", "2026-03-10T00:00:00Z"),
    ("Europe/Berlin", "2026-03-29T01:00:00Z"),  # 23 hours
    ("Europe/Berlin", "2025-10-26T01:00:00Z"),  # 25 hours
    ("Asia/Kathmandu", "2026-03-10T18:15:00Z"),
    ("Australia/Lord_Howe", "2026-04-04T15:00:00Z"),  # half an hour
    ("Africa/Cairo", "2026-04-23T22:00:00Z"),  # midnight does not exist
    ("Africa/Cairo", "2025-10-30T21:00:00Z"),  # midnight goes back to 23:00
    ("America/St_Johns", "2010-11-07T02:31:00Z"),  # 00:01 goes back to 23:01
    ("Antarctica/Casey", "2010-03-04T15:00:00Z"),  # 02:00 goes back to 23:00 of the day before
)

# Measures of conversions by their kind, and by their stage.
OF_KIND: Final = {"leads": "lead", "sign_ups": "sign_up", "downloads": "download"}
OF_STAGE: Final = {
    "purchases": "purchase",
    "retained_orders": "retention",
    "advocacy_conversions": "advocacy",
}


class Story:
    """One workspace, all its records, and the span around the change of its clock."""

    def __init__(
        self, roi_workspace: RoiWorkspace, zone: str, turn_at: datetime, seed: int
    ) -> None:
        self.roi_workspace = roi_workspace
        self.zone = ZoneInfo(zone)
        self.turn_at = turn_at
        self.chance = random.Random(seed)
        self.records: list[AnyCredits] = []
        self.costs: list[Cost] = []
        # Orders whose time was not corrected yet.
        self._orders: list[DecisionCredited] = []

    def quarter(self, days: int = 3) -> datetime:
        """Return a quarter of an hour, most often near the clock change."""
        spread = self.chance.choice([8, 48, 96 * days])
        turn_at = self.turn_at.replace(minute=self.turn_at.minute // 15 * 15)
        return turn_at + self.chance.randint(-spread, spread) * QUARTER

    def moment(self) -> datetime:
        """Return a moment, sometimes the first or the last of a quarter of an hour."""
        inside = self.chance.choice([0, 899_999_999, self.chance.randrange(900_000_000)])
        return self.quarter() + timedelta(microseconds=inside)

    async def tell(self) -> None:
        """Placements of two creators and the brand, a margin that changes at an odd moment, costs,
        orders, leads and clicks over several days."""
        roi_workspace, chance = self.roi_workspace, self.chance
        creators = [await roi_workspace.creator(name) for name in ("Mia", "Jo")]
        campaign = await roi_workspace.campaign("Spring")
        placements = [
            await roi_workspace.placement(creators[1]),
            await roi_workspace.placement(creators[0], campaign, "tiktok"),
            await roi_workspace.placement(None, platform="youtube"),
        ]
        await roi_workspace.margin(500_000, self.quarter(1))
        for _ in range(12):
            day = self.moment().astimezone(self.zone).date()
            owners = {
                Entity.PLACEMENT: chance.choice(placements),
                Entity.CREATOR: chance.choice(creators),
                Entity.CAMPAIGN: campaign,
            }
            owner = chance.choice(list(owners))
            amount_minor = chance.randrange(1, 1_000)
            await roi_workspace.cost(
                amount_minor, day.isoformat(), **{f"{owner}_id": owners[owner]}
            )
            month = default_span(day, None, None)
            days = (day, month.from_on, month.to_on)
            self.costs.append(Cost((owner, UUID(owners[owner])), *days, "EUR", (amount_minor,)))
        for _ in range(8):
            batch = [self._record([*placements, ORGANIC]) for _ in range(12)]
            roi_workspace.now += timedelta(hours=chance.randrange(20))
            self.records += batch
            await roi_workspace.fold(*batch)

    def _record(self, accounts: Sequence[str]) -> AnyCredits:
        chance = self.chance
        if chance.random() < 0.4:
            account, at = chance.choice(accounts[:-1]), self.quarter()
            return self.roi_workspace.clicks(account, at, chance.randrange(-1, 9), **self._slot())
        # Even amounts have a whole half, so margins need no rounding, which is not additive.
        shares: dict[str, tuple[int, datetime | None]] = {
            account: (2 * chance.randrange(-100, 5_000), self.moment())
            for account in chance.sample(accounts, 2)
        }
        if ORGANIC in shares:
            shares[ORGANIC] = (shares[ORGANIC][0], None)
        if self._orders and chance.random() < 0.25:
            again = self._orders.pop(chance.randrange(len(self._orders)))
            return self.roi_workspace.corrected(again, self.moment())
        kind = chance.choice(["purchase", "renewal", "lead"])
        order = self.roi_workspace.order(
            sum(amount for amount, _ in shares.values()),
            self.moment(),
            shares,
            currency=chance.choice(["EUR", "EUR", "JPY"]),
            kind=kind,
            placed_units=chance.choice([None, 1_000_000]),
            stage=chance.choice(["purchase", "retention"]),
            new_customer=chance.choice([None, True, False]),
            slot=self._slot(),
        )
        self._orders.append(order)
        return order

    def _slot(self) -> dict[str, Any]:
        """Return what tells the touches of an account apart."""
        return {
            "link_id": self.chance.choice([None, *LINKS]),
            "code": self.chance.choice([None, "SPRING"]),
            "sub_source": self.chance.choice([None, "bio", "video 3"]),
        }


async def a_story(database_for: DatabaseFactory, zone: str, turn: str) -> Story:
    roi_workspace = await RoiWorkspace.open(await database_for("roi"), time_zone=zone)
    story = Story(roi_workspace, zone, datetime.fromisoformat(turn), len(zone))
    await story.tell()
    return story


def begins_at(day: date, zone: ZoneInfo) -> datetime:
    """Return the first moment of a local day.

    That is the later midnight if it comes twice, or the moment of the jump if it never comes.
    """
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
    return max(midnight.replace(fold=fold).astimezone(UTC) for fold in (0, 1))


def margin_on(day: date, margins: Sequence[tuple[date, int | None]]) -> int:
    """Return the margin of a day in millionths; margins have a first valid day."""
    _, millionths = max((item for item in margins if item[0] <= day), key=lambda item: item[0])
    return 1_000_000 if millionths is None else millionths


def numbers_of(order: StandingOrder, entry: CreditEntry, margin_millionths: int) -> dict[str, int]:
    """Return every measure of credits of one entry."""
    is_paid = order.kind != "lead"
    paid_units = entry.units if is_paid else 0
    placed_units = entry.units if entry.placed_units is None else entry.placed_units
    return {
        "contribution": entry.amount_minor * margin_millionths,
        "net_revenue": entry.amount_minor,
        "paid_units": paid_units,
        "paid_units_in_currency": paid_units,
        "placed_paid_units": placed_units if is_paid else 0,
        "units": entry.units,
        **{name: entry.units if order.kind == kind else 0 for name, kind in OF_KIND.items()},
        **{name: entry.units if entry.stage == stage else 0 for name, stage in OF_STAGE.items()},
        **{
            f"contribution_at_{stage}": (
                entry.amount_minor * margin_millionths if entry.stage == stage else 0
            )
            for stage in get_args(Stage)
        },
    }


def slot_of(fact: CreditEntry | Tally, moment: datetime, zone: ZoneInfo) -> dict[str, str | None]:
    """Return the columns that only raw rows have."""
    return {
        "link_id": fact.link_id,
        "code": fact.code,
        "sub_source": fact.sub_source,
        "local_hour": str(moment.astimezone(zone).hour),
    }


def columns_of(
    order: StandingOrder, entry: CreditEntry, moment: datetime, zone: ZoneInfo
) -> dict[str, str | None]:
    """Return the columns of an entry that dimensions ask."""
    return {
        "stage": entry.stage,
        "evidence_class": entry.evidence_class,
        "store": "main",
        "conversion_kind": order.kind,
        "new_customer": None if order.new_customer is None else str(order.new_customer),
        **slot_of(entry, moment, zone),
    }


def pure_answer(
    story: Story,
    facts: CatalogFacts,
    margins: Sequence[tuple[date, int | None]],
    layout: Layout,
    span: tuple[datetime, datetime],
    by: str,
) -> Answer:
    """Return the pure answer: each order and each click once, by its local day."""
    measures = {
        fact: tuple(measure for measure in layout.measures if measure.fact is fact) for fact in Fact
    }
    credits: list[Cell] = []
    touches: list[Cell] = []
    orders: dict[str, StandingOrder] = {}
    for record in story.records:
        if isinstance(record, DecisionCredited):
            order = story.roi_workspace.stands[record.decision_id]
            orders[order.conversion_id] = order
            continue
        assert isinstance(record, TouchesTallied)
        for tally in record.tallies:
            day = tally.quarter_at.astimezone(story.zone).date()
            if span[0] <= tally.quarter_at < span[1]:
                columns = {"stage": tally.stage, **slot_of(tally, tally.quarter_at, story.zone)}
                account = account_id(tally.account)
                counts = {"clicks": tally.counted, "flagged_clicks": tally.flagged}
                sums = tuple(counts.get(measure.id, 0) for measure in measures[Fact.TOUCHES])
                touches.append(Cell(day, sums, account, columns=columns))
    for order in orders.values():
        for entry in order.entries:
            moment = (entry.touched_at if by == "touch_time" else None) or order.occurred_at
            if entry.model not in layout.models or not span[0] <= moment < span[1]:
                continue
            day = moment.astimezone(story.zone).date()
            numbers = numbers_of(order, entry, margin_on(day, margins))
            sums = tuple(numbers[measure.id] for measure in measures[Fact.CREDITS])
            columns = columns_of(order, entry, moment, story.zone)
            account = account_id(entry.account)
            credits.append(Cell(day, sums, account, entry.model, entry.currency or "", columns))
    costs = [c for c in story.costs if span[0] <= begins_at(c.incurred_on, story.zone) < span[1]]
    costs = [of_kind(cost, measures[Fact.COSTS]) for cost in costs]
    days = sorted({cost.incurred_on for cost in costs}) or [date.min]
    batches = [
        Batch(measures[Fact.CREDITS], credits),
        Batch(measures[Fact.TOUCHES], touches),
        Batch(measures[Fact.COSTS], Spread(facts.owners, costs, days).cells()),
    ]
    return assemble(layout, facts, batches)


def of_kind(cost: Cost, measures: Sequence[Measure]) -> Cost:
    """Return a cost with its amount for each measure; all costs of the story are fees."""
    (amount,) = cost.amounts_minor
    told = ("cost", "cost_of_fee")
    return replace(cost, amounts_minor=tuple(amount if m.id in told else 0 for m in measures))


def sums_of(answers: Iterable[Mapping[str, Any]]) -> Counter[tuple[Any, ...]]:
    """Every additive figure of every row, headline and total, added up over answers."""
    sums: Counter[tuple[Any, ...]] = Counter()
    for answer in answers:
        parts = [(tuple(row["group"].values()), row["measures"]) for row in answer["rows"]]
        for name in ("program", "brand", "organic", "overhead", "totals"):
            listed = answer[name] if isinstance(answer[name], list) else [answer[name]]
            parts += [((name, measures.get("model")), measures) for measures in listed]
        for key, measures in parts:
            for metric in ADDITIVE:
                for currency, number in by_currency(measures[metric.id], metric.unit).items():
                    sums[key, metric.id, currency] += number
    return Counter({key: number for key, number in sums.items() if number})


def texts(*moments: datetime) -> tuple[str, str]:
    """Return a span in the form of the query parameters."""
    start, end = (moment.isoformat() for moment in moments)
    return start, end


@pytest.mark.parametrize(("zone", "turn"), TURNS)
async def test_an_answer_between_two_times_equals_the_pure_one(
    database_for: DatabaseFactory, zone: str, turn: str
) -> None:
    story = await a_story(database_for, zone, turn)
    told = story.records
    for _ in range(8):
        dimensions = tuple(DIMENSIONS[name] for name in story.chance.choice(GROUPS).split(","))
        models = MODELS if DIMENSIONS["model"] in dimensions else ("last",)
        by = story.chance.choice(BASES)
        start, end = sorted(story.chance.sample([story.quarter(5) for _ in range(40)], 2))
        if start == end:
            continue
        as_of = story.chance.choice([None, story.chance.choice(told).recorded_at])
        question = Question(dimensions, METRICS_IN_ORDER, models, by, None)
        at, found = await story.roi_workspace.gather(question, (start, end), as_of)
        measures = question.wanted.measures
        layout = Layout(dimensions, METRICS_IN_ORDER, measures, models, None, "EUR")
        answer = assemble(layout, found.facts, found.batches)
        story.records = [record for record in told if record.recorded_at <= at.as_of]
        margins = found.plan.margins
        expected = pure_answer(story, found.facts, margins, layout, (start, end), by)
        assert answer == expected, (dimensions, by, start, end, as_of)


@pytest.mark.parametrize(("zone", "turn"), TURNS)
async def test_neighbouring_spans_add_up_to_the_one_that_holds_both(
    database_for: DatabaseFactory, zone: str, turn: str
) -> None:
    story = await a_story(database_for, zone, turn)
    for _ in range(5):
        group_by, by = story.chance.choice(GROUPS), story.chance.choice(BASES)
        as_of = story.chance.choice([None, story.chance.choice(story.records).recorded_at])
        cuts = sorted({story.quarter(5) for _ in range(4)})
        parts = [
            await story.roi_workspace.ask(group_by, days=texts(*pair), by=by, as_of=as_of)
            for pair in pairwise(cuts)
        ]
        whole = await story.roi_workspace.ask(
            group_by, days=texts(cuts[0], cuts[-1]), by=by, as_of=as_of
        )
        check_sums(whole)
        assert sums_of(parts) == sums_of([whole]), (group_by, by, cuts, as_of)


@pytest.mark.parametrize(("zone", "turn"), TURNS[:7])
async def test_times_that_are_whole_days_ask_what_the_days_ask(
    database_for: DatabaseFactory, zone: str, turn: str
) -> None:
    story = await a_story(database_for, zone, turn)
    today = story.turn_at.astimezone(story.zone).date()
    for first, last in ((today, today), (today - DAY, today + 30 * DAY)):
        # If midnight comes twice, the clock's day starts at the first; costs wait for the second.
        times = [begins_at(first, story.zone), begins_at(last + DAY, story.zone)]
        for group_by in ("creator", "day", "platform,stage"):
            by_days = await story.roi_workspace.ask(group_by, days=(f"{first}", f"{last}"))
            by_times = await story.roi_workspace.ask(group_by, days=texts(*times))
            assert by_times["rows"] == by_days["rows"]
            assert by_times["totals"] == by_days["totals"]


async def test_a_days_cost_is_of_the_moment_at_which_the_day_begins(
    database_for: DatabaseFactory,
) -> None:
    roi_workspace = await RoiWorkspace.open(await database_for("roi"), time_zone="Asia/Kathmandu")
    reel = await roi_workspace.placement(await roi_workspace.creator("Mia"))
    await roi_workspace.cost(300, "2026-03-11", placement_id=reel)
    begins = datetime(2026, 3, 10, 18, 15, tzinfo=UTC)
    with_cost = await roi_workspace.ask(days=texts(begins, begins + QUARTER))
    assert labels(with_cost, "cost") == {"Mia": 300}
    for span in ((begins - DAY, begins), (begins + QUARTER, begins + 2 * DAY)):
        assert (await roi_workspace.ask(days=texts(*span)))["rows"] == []
