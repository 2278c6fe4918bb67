"""Answers from sums: exact rounding, facts of a day, the spreading of costs, and conservation for any cells."""

from datetime import date, timedelta
from fractions import Fraction
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.roi.domain.answer import (
    Answer,
    CreditCell,
    Measures,
    Question,
    Row,
    TouchCell,
    build_answer,
    round_to_whole,
)
from services.roi.domain.answer_facts import (
    Cost,
    CostOwner,
    Facts,
    Margin,
    OwnedPeriod,
    PlacementFacts,
    segment_of,
    segment_starts,
    spread_costs,
    whole_months,
)
from services.roi.domain.metrics.dictionary import DICTIONARY, Value
from services.roi.domain.rollup import ORGANIC_ACCOUNT
from shared.money import split
from tests.unit.roi.test_metrics import exact

DAY = date(2026, 3, 10)
DAYS = [DAY + timedelta(days=shift) for shift in range(-5, 6)]
MIA, JO = UUID(int=1), UUID(int=2)
REEL, POST, STORY = UUID(int=11), UUID(int=12), UUID(int=13)
OF_MIA = OwnedPeriod(None, MIA, None, "instagram")
ONLY_MIA = PlacementFacts((OF_MIA,))


@given(st.lists(st.integers(-(10**9), 10**9), max_size=12))
def test_rounding_to_a_whole_keeps_the_sum_and_stays_near(parts_millionths: list[int]) -> None:
    whole = round_to_whole(parts_millionths)
    assert sum(whole) == round(Fraction(sum(parts_millionths), 10**6))
    for part, rounded in zip(parts_millionths, whole, strict=True):
        assert abs(Fraction(part, 10**6) - rounded) < 1


def test_ties_of_rounding_go_to_the_earlier() -> None:
    assert round_to_whole([500_000] * 4) == [1, 1, 0, 0]
    assert round_to_whole([-500_000] * 2) == [0, -1]


def test_a_day_has_the_first_period_that_ends_after_it() -> None:
    later = OwnedPeriod(None, JO, None, "tiktok")
    placement = PlacementFacts((OwnedPeriod(DAY, MIA, None, "instagram"), later))
    assert placement.on(DAY - timedelta(days=1)).creator_id == MIA
    assert placement.on(DAY) == later
    ended = PlacementFacts((OwnedPeriod(DAY, MIA, None, "instagram"),))
    assert ended.on(DAY).creator_id == MIA


def test_segments_start_where_a_fact_changes() -> None:
    facts = Facts(
        {REEL: PlacementFacts((OwnedPeriod(DAY, MIA, None, None), OF_MIA)), POST: ONLY_MIA},
        [Margin(None, 500_000), Margin(DAY + timedelta(days=3), 400_000)],
    )
    starts = segment_starts(facts, DAY - timedelta(days=5), DAY + timedelta(days=5))
    assert starts == [DAY - timedelta(days=5), DAY, DAY + timedelta(days=3)]
    assert segment_of(starts, DAY + timedelta(days=2)) == DAY
    assert segment_starts(facts, DAY, DAY) == [DAY]
    assert facts.margin_millionths_on(DAY) == 500_000
    assert facts.margin_millionths_on(DAY + timedelta(days=3)) == 400_000
    assert Facts().margin_millionths_on(DAY) == 1_000_000


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
    placements = {UUID(int=100 + n): ONLY_MIA for n in range(count)}
    shares = spread_costs(Facts(placements), [cost(amount_minor)], [DAY])
    assert [share.amount_minor for share in shares] == split(
        amount_minor, [Fraction(1, count)] * count
    )
    assert [share.account for share in shares] == sorted(placements)


def test_a_cost_finds_the_placements_of_its_day() -> None:
    moved = PlacementFacts(
        (OwnedPeriod(DAY, MIA, None, None), OwnedPeriod(None, JO, None, None)), None
    )
    archived = PlacementFacts((OF_MIA,), DAY)
    facts = Facts({REEL: ONLY_MIA, POST: moved, STORY: archived})

    def carriers(day: date) -> list[UUID | None]:
        return [share.account for share in spread_costs(facts, [cost(100, day)], DAYS)]

    assert carriers(DAY - timedelta(days=1)) == [REEL, POST, STORY]
    assert carriers(DAY) == [REEL]


@given(
    st.lists(st.integers(-9_999, 9_999), min_size=1, max_size=9), st.integers(1, 9), st.booleans()
)
def test_costs_added_up_are_spread_as_if_one_by_one(
    amounts_minor: list[int], count: int, apart: bool
) -> None:
    placements = {UUID(int=100 + n): ONLY_MIA for n in range(count)}
    days = [DAYS[index if apart else 0] for index in range(len(amounts_minor))]
    costs = [cost(amount, day) for amount, day in zip(amounts_minor, days, strict=True)]
    shares = spread_costs(Facts(placements), costs, DAYS)
    expected = dict.fromkeys(placements, 0)
    for amount in amounts_minor:
        parts = split(amount, [Fraction(1, count)] * count)
        for account, part in zip(sorted(placements), parts, strict=True):
            expected[account] += part
    found = dict.fromkeys(placements, 0)
    for share in shares:
        assert share.account is not None
        found[share.account] += share.amount_minor
    assert found == expected
    assert len(shares) == count * len(set(days))


def cost(
    amount_minor: int, day: date = DAY, owner: CostOwner = "creator", owner_id: UUID = MIA
) -> Cost:
    return Cost(owner, owner_id, day, "EUR", amount_minor)


# --- conservation ------------------------------------------------------------------------------------------

ACCOUNTS = (REEL, POST, STORY, ORGANIC_ACCOUNT)
FACTS = Facts(
    {
        REEL: PlacementFacts((OwnedPeriod(DAY, MIA, None, "a"), OwnedPeriod(None, JO, None, "b"))),
        POST: PlacementFacts((OwnedPeriod(None, None, UUID(int=5), None),)),
    },
    [Margin(None, 333_333), Margin(DAY, 700_001)],
    {MIA: "brand", JO: "Jo"},
)
amounts = st.integers(-9_999, 99_999)
days = st.integers(-3, 3).map(lambda shift: DAY + timedelta(days=shift))
credit_cells = st.builds(
    CreditCell,
    model=st.sampled_from(["first", "last"]),
    account=st.sampled_from(ACCOUNTS),
    day=days,
    stage=st.sampled_from(["purchase", "retention"]),
    currency=st.sampled_from(["EUR", "JPY", ""]),
    amount_minor=amounts,
    units=amounts,
    paid_units=amounts,
)
touch_cells = st.builds(
    TouchCell,
    account=st.sampled_from(ACCOUNTS[:3]),
    day=days,
    stage=st.just("consideration"),
    clicks=st.integers(-3, 99),
)
costs = st.builds(
    Cost,
    owner=st.sampled_from(["placement", "creator", "campaign"]),
    owner_id=st.sampled_from([REEL, MIA, JO, UUID(int=5), UUID(int=6)]),
    incurred_on=days,
    currency=st.sampled_from(["EUR", "JPY"]),
    amount_minor=st.integers(0, 9_999),
)
group_bys = st.lists(
    st.sampled_from(["creator", "campaign", "placement", "platform", "stage", "model", "day"]),
    min_size=1,
    max_size=2,
    unique=True,
)


@given(group_bys, st.lists(credit_cells), st.lists(touch_cells), st.lists(costs))
def test_rows_and_organic_are_the_totals(
    group_by: list[str],
    credits: list[CreditCell],
    touches: list[TouchCell],
    spent: list[Cost],
) -> None:
    models = ("first", "last")
    question = Question(tuple(group_by), models if "model" in group_by else ("last",), None, "EUR")
    seen = [cell for cell in credits if cell.model in question.models]
    answer = build_answer(question, FACTS, seen, touches, spread_costs(FACTS, spent, DAYS))
    for model in question.models:
        rows = [
            row for row in answer.rows if "model" not in group_by or row.group["model"] == model
        ]
        check(answer, model, rows)
        money = dict(totals(answer.totals[model], "net_revenue"))
        for currency in answer.currencies:
            credited = [c for c in seen if c.model == model and c.currency == currency]
            assert money[currency] == sum(cell.amount_minor for cell in credited)


def check(answer: Answer, model: str, rows: list[Row]) -> None:
    for metric in DICTIONARY:
        if metric.additive:
            parts = [row.measures for row in rows] + [answer.organic[model]]
            for index, (_, whole) in enumerate(totals(answer.totals[model], metric.id)):
                values = [totals(measures, metric.id)[index][1] for measures in parts]
                assert sum(exact(value) for value in values if value is not None) == exact(whole)


def totals(measures: Measures, metric_id: str) -> tuple[tuple[str, Value], ...]:
    value = measures[metric_id]
    return value if isinstance(value, tuple) else (("", value),)


def test_two_nameless_kinds_never_share_a_row() -> None:
    """A brand's own content and a cost that nobody carries both have no creator, and stay apart."""
    own = PlacementFacts((OwnedPeriod(None, None, None, "youtube"),))
    credit = CreditCell("last", REEL, DAY, None, "EUR", 10, 1, 1)
    orphan = cost(5, owner="campaign", owner_id=UUID(int=6))
    answer = build_answer(
        Question(("creator",), ("last",), None, "EUR"),
        Facts({REEL: own}),
        [credit],
        [],
        spread_costs(Facts({REEL: own}), [orphan], [DAY]),
    )
    assert [(row.label, row.group) for row in answer.rows] == [
        ("brand", {"creator": None}),
        ("unallocated", {"creator": None}),
    ]
