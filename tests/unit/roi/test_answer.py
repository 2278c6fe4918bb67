"""Answers from sums: exact rounding, segments of days, spread costs, conservation for any cells."""

from datetime import date, timedelta
from fractions import Fraction
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from services.roi.answers.assemble import Answer, Figures, Layout, Row, assemble
from services.roi.answers.catalog_facts import (
    BRAND_ACCOUNT,
    CREATOR_ACCOUNT,
    CatalogFacts,
    Margin,
    Owner,
    margin_starts,
)
from services.roi.answers.cells import Batch, Cell
from services.roi.answers.cost_spread import Cost, Spread
from services.roi.answers.dictionary import DIMENSIONS, METRICS, METRICS_IN_ORDER, measures_of
from services.roi.answers.funnel.stages import STAGES
from services.roi.answers.kinds import Entity, Fact, FromCatalog, Headline
from services.roi.answers.metrics.contribution_by_stage import contribution_at
from services.roi.answers.segments import segment_of, segment_starts, whole_months
from services.roi.answers.values import Value, round_to_whole
from services.roi.domain.rollup import ORGANIC_ACCOUNT
from shared.money import split
from tests.unit.roi.test_metrics import exact

DAY = date(2026, 3, 10)
DAYS = [DAY + timedelta(days=shift) for shift in range(-5, 6)]
MIA, JO = UUID(int=1), UUID(int=2)
REEL, POST, STORY = UUID(int=11), UUID(int=12), UUID(int=13)
PAST = date(2020, 1, 1)
OF_MIA = Owner(MIA, None, PAST)
MEASURES = measures_of(METRICS_IN_ORDER, with_intervals=True)
COST_ALONE = tuple(measure for measure in MEASURES if measure.id == "cost")
MEASURES_OF = {
    fact: tuple(measure for measure in MEASURES if measure.fact is fact) for fact in Fact
}


@given(st.lists(st.integers(-(10**9), 10**9), max_size=12))
def test_rounding_to_a_whole_keeps_the_sum_and_stays_near(parts_millionths: list[int]) -> None:
    whole = round_to_whole(parts_millionths, 10**6)
    assert sum(whole) == round(Fraction(sum(parts_millionths), 10**6))
    for part, rounded in zip(parts_millionths, whole, strict=True):
        assert abs(Fraction(part, 10**6) - rounded) < 1


def test_ties_of_rounding_go_to_the_earlier() -> None:
    assert round_to_whole([500_000] * 4, 10**6) == [1, 1, 0, 0]
    assert round_to_whole([-500_000] * 2, 10**6) == [0, -1]


def test_segments_start_where_a_stretch_of_time_starts() -> None:
    span = (date(2026, 2, 27), date(2026, 3, 10))
    assert segment_starts([DIMENSIONS["creator"]], *span) == [span[0]]
    assert segment_starts([DIMENSIONS["month"]], *span) == [span[0], date(2026, 3, 1)]
    mondays = [date(2026, 3, 2), date(2026, 3, 9)]
    assert segment_starts([DIMENSIONS["week"]], *span) == [span[0], *mondays]
    both = segment_starts([DIMENSIONS["week"], DIMENSIONS["month"]], *span)
    assert both == [span[0], date(2026, 3, 1), *mondays]
    assert len(segment_starts([DIMENSIONS["day"]], *span)) == 12
    assert segment_of(both, date(2026, 3, 5)) == date(2026, 3, 2)


def test_a_span_has_the_margin_of_its_first_day_and_each_change() -> None:
    changes = [Margin(None, 500_000), Margin(DAY, 400_000), Margin(DAY, 300_000)]
    first, last = DAY - timedelta(days=5), DAY + timedelta(days=5)
    assert margin_starts(changes, first, last) == [(first, 500_000), (DAY, 300_000)]
    assert margin_starts(changes, DAY, last) == [(DAY, 300_000)]
    assert margin_starts(changes, first, DAY - timedelta(days=1)) == [(first, 500_000)]
    assert margin_starts([], first, last) == [(first, None)]
    given = [Margin(None, 500_000), Margin(DAY, None)]
    assert margin_starts(given, first, last) == [(first, 500_000), (DAY, None)]


def test_months_are_read_whole_where_nothing_changes_within_them() -> None:
    january, february, march = (date(2026, month, 1) for month in (1, 2, 3))
    span = (date(2025, 12, 2), date(2026, 3, 31))
    assert whole_months([span[0]], *span) == [january, february, march]
    assert whole_months([span[0], february, DAY], *span) == [january, february]
    assert whole_months([january], january, date(2026, 1, 30)) == []
    assert whole_months([january], january, date(2026, 1, 31)) == [january]
    december = date(2026, 12, 1)
    assert whole_months([december], december, date(2026, 12, 31)) == [december]


@given(st.integers(-10_000, 10_000), st.integers(1, 9))
def test_a_cost_is_spread_like_any_money_in_equal_shares(amount_minor: int, count: int) -> None:
    placements = {UUID(int=100 + n): OF_MIA for n in range(count)}
    shares = Spread(placements, [cost(amount_minor)], [DAY]).cells()
    assert [share.sums[0] for share in shares] == split(amount_minor, [Fraction(1, count)] * count)
    assert [share.account for share in shares] == sorted(placements)


def test_a_cost_finds_the_placements_of_its_day() -> None:
    owners = {
        REEL: OF_MIA,
        POST: Owner(JO, None, PAST),
        STORY: Owner(MIA, None, DAY, archived_on=DAYS[-1]),
        UUID(int=14): Owner(MIA, None, None),
    }

    def carriers(from_on: date, to_on: date) -> list[UUID | None]:
        spent = cost(100, from_on=from_on, to_on=to_on)
        return [share.account for share in Spread(owners, [spent], [DAYS[0]]).cells()]

    before, last = DAY - timedelta(days=1), DAYS[-1]
    assert carriers(before, before) == [REEL]
    assert carriers(before, DAY) == [REEL, STORY]
    assert carriers(DAY, last) == [REEL, STORY]
    assert carriers(last, last) == [REEL]


@given(
    st.lists(st.integers(-9_999, 9_999), min_size=1, max_size=9), st.integers(1, 9), st.booleans()
)
def test_costs_added_up_are_spread_as_if_one_by_one(
    amounts_minor: list[int], count: int, apart: bool
) -> None:
    placements = {UUID(int=100 + n): OF_MIA for n in range(count)}
    days = [DAYS[index if apart else 0] for index in range(len(amounts_minor))]
    costs = [cost(amount, day) for amount, day in zip(amounts_minor, days, strict=True)]
    shares = Spread(placements, costs, DAYS).cells()
    expected = dict.fromkeys(placements, 0)
    for amount in amounts_minor:
        parts = split(amount, [Fraction(1, count)] * count)
        for account, part in zip(sorted(placements), parts, strict=True):
            expected[account] += part
    found = dict.fromkeys(placements, 0)
    for share in shares:
        assert share.account is not None
        found[share.account] += share.sums[0]
    assert found == expected
    assert len(shares) == count * len(set(days))


def cost(
    amount_minor: int,
    day: date = DAY,
    owner: tuple[Entity, UUID] | None = (Entity.CREATOR, MIA),
    *,
    from_on: date = DAY,
    to_on: date = DAY,
) -> Cost:
    return Cost(owner, day, from_on, to_on, "EUR", (amount_minor,))


# --- conservation -------------------------------------------------------------------------------

ACCOUNTS = (REEL, POST, STORY, ORGANIC_ACCOUNT)
SPRING = UUID(int=5)
FACTS = CatalogFacts(
    {
        REEL: Owner(MIA, None, DAY),
        POST: Owner(None, SPRING, DAY, DAYS[-1]),
        UUID(int=15): Owner(MIA, SPRING, DAYS[-2]),
        UUID(int=16): Owner(JO, SPRING, None),
    },
    {
        "platform": {REEL: ("a",), POST: ()},
        "content_type": {REEL: ("reel",), POST: ("post",)},
        "format": {},
        "cta": {},
        "topic": {REEL: ("bags", "travel"), POST: ("bags",)},
        "country": {MIA: ("DE",)},
        "tier": {MIA: ("micro",)},
        "objective": {SPRING: ("sales",)},
    },
    {MIA: "brand", JO: "Jo"},
)
amounts = st.integers(-9_999, 99_999)


def with_whole(sums: tuple[int, ...]) -> tuple[int, ...]:
    """The sums with each measure that others divide as the sum of those."""
    of = dict(zip(MEASURES_OF[Fact.CREDITS], sums, strict=True))
    for whole in of:
        parts = [number for measure, number in of.items() if measure.part_of == whole.id]
        if parts:
            of[whole] = sum(parts)
    return tuple(of.values())


days = st.integers(-3, 3).map(lambda shift: DAY + timedelta(days=shift))
credit_cells = st.builds(
    Cell,
    segment=days,
    sums=st.tuples(*[amounts for _ in MEASURES_OF[Fact.CREDITS]]).map(with_whole),
    account=st.sampled_from(ACCOUNTS),
    model=st.sampled_from(["first", "last"]),
    currency=st.sampled_from(["EUR", "JPY"]),
    columns=st.sampled_from([{"stage": "purchase"}, {"stage": "retention"}]),
)
touch_cells = st.builds(
    Cell,
    segment=days,
    sums=st.tuples(*[st.integers(-3, 99) for _ in MEASURES_OF[Fact.TOUCHES]]),
    account=st.sampled_from(ACCOUNTS[:3]),
    columns=st.just({"stage": "consideration"}),
)
# All but the reports of each, and how far all of them fell.
COUNTED = [one for one in MEASURES_OF[Fact.COUNTS] if not one.id.endswith("_reports")][1:]
count_cells = st.builds(
    lambda account, day, counts, reports: Cell(
        segment=day, sums=of_measures(counts, reports), account=account
    ),
    st.sampled_from(ACCOUNTS[:3]),
    days,
    st.lists(st.integers(-3, 99), min_size=len(COUNTED), max_size=len(COUNTED)),
    st.integers(1, 3),
)


def of_measures(counts: list[int], reports: int) -> tuple[int, ...]:
    """The sums of each measure of counts: changes of some reports, and how many these are."""
    changes = iter([*counts, min(*counts, 0)])
    return tuple(
        reports if measure.id.endswith("_reports") else next(changes)
        for measure in MEASURES_OF[Fact.COUNTS]
    )


owners_of_costs = st.sampled_from(
    [
        None,
        *((Entity.PLACEMENT, account) for account in (REEL, POST, STORY)),
        *((Entity.CREATOR, creator) for creator in (MIA, JO, UUID(int=6))),
        *((Entity.CAMPAIGN, campaign) for campaign in (SPRING, UUID(int=6))),
    ]
)
costs = st.builds(
    Cost,
    owner=owners_of_costs,
    incurred_on=days,
    from_on=days,
    to_on=days,
    currency=st.sampled_from(["EUR", "JPY"]),
    amounts_minor=st.tuples(st.integers(0, 9_999)),
)
group_bys = st.lists(st.sampled_from(sorted(DIMENSIONS)), min_size=1, max_size=2, unique=True)


def layout_of(group_by: list[str], currency: str | None = None) -> Layout:
    models = ("first", "last") if "model" in group_by else ("last",)
    dimensions = tuple(DIMENSIONS[name] for name in group_by)
    shown = METRICS_IN_ORDER, MEASURES, models, currency, "EUR"
    return Layout(dimensions, *shown, with_intervals=True)


@given(
    group_bys,
    st.lists(credit_cells),
    st.lists(touch_cells),
    st.lists(count_cells),
    st.lists(costs),
)
def test_rows_and_organic_are_the_totals(
    group_by: list[str],
    credits: list[Cell],
    touches: list[Cell],
    counts: list[Cell],
    spent: list[Cost],
) -> None:
    layout = layout_of(group_by)
    seen = [cell for cell in credits if cell.model in layout.models]
    batches = [
        Batch(MEASURES_OF[Fact.CREDITS], seen),
        Batch(MEASURES_OF[Fact.TOUCHES], touches),
        Batch(MEASURES_OF[Fact.COUNTS], counts),
        Batch(COST_ALONE, Spread(FACTS.owners, spent, DAYS).cells()),
    ]
    answer = assemble(layout, FACTS, batches)
    revenue = [measure.id for measure in MEASURES_OF[Fact.CREDITS]].index("net_revenue")
    for model in layout.models:
        rows = [
            row for row in answer.rows if "model" not in group_by or row.group["model"] == model
        ]
        # Rows of a dimension that overlaps have no sum; the headline figures do.
        check(answer, model, None if layout.overlapping else rows)
        money = dict(totals(answer.totals[model], "net_revenue"))
        spending = dict(totals(answer.totals[model], "cost"))
        for currency in answer.currencies:
            credited = [c for c in seen if c.model == model and c.currency == currency]
            assert money[currency] == sum(cell.sums[revenue] for cell in credited)
            paid = [c.amounts_minor[0] for c in spent if c.currency == currency]
            assert spending[currency] == sum(paid)


def check(answer: Answer, model: str, rows: list[Row] | None) -> None:
    """Rows + organic are the totals, and so are the headline figures; rows None have no sum."""
    organic = answer.headlines[Headline.ORGANIC][model]
    headlines = [figures[model] for figures in answer.headlines.values()]
    for metric in METRICS.values():
        if metric.additive:
            of_rows = [] if rows is None else [[*(row.figures for row in rows), organic]]
            for parts in (*of_rows, headlines):
                for index, (_, whole) in enumerate(totals(answer.totals[model], metric.id)):
                    values = [totals(figures, metric.id)[index][1] for figures in parts]
                    added = sum(exact(value) for value in values if value is not None)
                    if whole is None:
                        assert metric.may_be_missing
                        assert not any(values)
                    else:
                        assert added == exact(whole)
    check_stages([*headlines, answer.totals[model]])


def check_stages(wholes: list[Figures]) -> None:
    """In headline figures and totals the parts by stage are the contribution."""
    for figures in wholes:
        for index, (_, whole) in enumerate(totals(figures, "contribution")):
            parts = [totals(figures, contribution_at(stage))[index][1] for stage in STAGES]
            assert sum(exact(part) for part in parts) == exact(whole)


@given(st.lists(credit_cells), st.lists(touch_cells), st.lists(costs))
def test_headline_figures_are_the_same_for_all_dimensions(
    credits: list[Cell], touches: list[Cell], spent: list[Cost]
) -> None:
    seen = [cell for cell in credits if cell.model == "last"]
    answers = []
    for name in sorted(set(DIMENSIONS) - {"model"}):
        layout = layout_of([name])
        by_account = isinstance(DIMENSIONS[name].source, FromCatalog)
        batches = [
            Batch(MEASURES_OF[Fact.CREDITS], [as_read(cell, by_account) for cell in seen]),
            Batch(MEASURES_OF[Fact.TOUCHES], [as_read(cell, by_account) for cell in touches]),
            Batch(
                COST_ALONE,
                Spread(FACTS.owners, spent, DAYS, by_account=by_account).cells(),
            ),
        ]
        answer = assemble(layout, FACTS, batches)
        answers.append((answer.headlines, answer.totals))
        if name == "creator":
            check_rows_of_creators(answer)
    assert all(answer == answers[0] for answer in answers)


def as_read(cell: Cell, by_account: bool) -> Cell:
    """The cell with its account as a statement without accounts gives it."""
    if by_account or cell.account in (None, ORGANIC_ACCOUNT):
        return cell
    is_own = FACTS.headline_of(cell.account, None) is Headline.BRAND
    return replace(cell, account=BRAND_ACCOUNT if is_own else CREATOR_ACCOUNT)


def check_rows_of_creators(answer: Answer) -> None:
    """Rows of own content are the brand, that of overhead is overhead, others the program."""
    for headline in (Headline.BRAND, Headline.PROGRAM, Headline.OVERHEAD):
        rows = [row.figures for row in answer.rows if headline_of_row(row) is headline]
        for name in ("clicks", "conversions", "net_revenue", "cost", "profit"):
            for index, (_, whole) in enumerate(totals(answer.headlines[headline]["last"], name)):
                parts = [exact(totals(figures, name)[index][1]) for figures in rows]
                assert sum(parts) == exact(whole), name


def headline_of_row(row: Row) -> Headline:
    if row.group["creator"] is None and row.label in ("brand", "overhead"):
        return Headline(row.label)
    return Headline.PROGRAM


def totals(figures: Figures, metric_id: str) -> tuple[tuple[str, Value], ...]:
    value = figures[metric_id]
    return value if isinstance(value, tuple) else (("", value),)


def test_two_nameless_kinds_never_share_a_row() -> None:
    """Own content and an unassigned cost both have no creator; their rows differ."""
    facts = CatalogFacts({REEL: Owner(None, None, PAST)})
    sums = {"net_revenue": 10, "contribution": 10_000_000, "units": 1}
    credit = tuple(sums.get(measure.id, 0) for measure in MEASURES_OF[Fact.CREDITS])
    orphan = cost(5, owner=(Entity.CAMPAIGN, UUID(int=6)))
    batches = [
        Batch(MEASURES_OF[Fact.CREDITS], [Cell(DAY, credit, REEL, "last", "EUR")]),
        Batch(COST_ALONE, Spread(facts.owners, [orphan], [DAY]).cells()),
    ]
    answer = assemble(layout_of(["creator"]), facts, batches)
    assert [(row.label, row.group) for row in answer.rows] == [
        ("brand", {"creator": None}),
        ("unallocated", {"creator": None}),
    ]


def test_a_cost_that_no_placement_carries_has_the_values_of_its_owner() -> None:
    facts = CatalogFacts({}, {"country": {MIA: ("DE",)}, "objective": {}})
    batch = Batch(COST_ALONE, Spread({}, [cost(5)], [DAY]).cells())
    for name, label in (("country", "DE"), ("objective", "unallocated"), ("month", "2026-03")):
        answer = assemble(layout_of([name]), facts, [batch])
        assert [row.label for row in answer.rows] == [label]
