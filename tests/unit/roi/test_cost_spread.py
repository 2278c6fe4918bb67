"""Costs are spread: the parts are counted before they are made, and add up to what was entered."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from services.roi.answers.catalog_facts import BRAND_ACCOUNT, CREATOR_ACCOUNT, Owner
from services.roi.answers.cost_spread import Cost, Spread
from services.roi.answers.cost_weights import SpreadBy, Weight, Weights, days_of
from services.roi.answers.kinds import Entity
from services.roi.domain.cost_span import CostSpan, default_span, span_of_cost
from shared.money import split

FIRST = date(2026, 1, 1)
DAYS = [FIRST + timedelta(days=number) for number in range(60)]


def cost(owner: tuple[Entity, UUID] | None, day: date, amount_minor: int = 100) -> Cost:
    return Cost(owner, day, day, day, "EUR", (amount_minor,))


def test_the_cells_are_counted_before_they_are_made() -> None:
    creator, campaign = uuid4(), uuid4()
    owners = {uuid4(): Owner(creator, campaign if n % 2 else None, FIRST) for n in range(10)}
    costs = [
        cost(owner, day, 1_001)
        for day in DAYS
        for owner in (
            (Entity.CREATOR, creator),
            (Entity.CAMPAIGN, campaign),
            (Entity.PLACEMENT, next(iter(owners))),
            (Entity.CREATOR, uuid4()),
            None,
        )
    ]
    spread = Spread(owners, costs, DAYS)
    assert spread.cells_at_most() == len(spread.cells()) == len(DAYS) * (10 + 5 + 1 + 1 + 1)


def test_archived_placements_are_counted_and_carry_nothing_later() -> None:
    creator = uuid4()
    owners = {uuid4(): Owner(creator, None, FIRST, archived_on=day) for day in DAYS}
    costs = [cost((Entity.CREATOR, creator), day) for day in DAYS]
    spread = Spread(owners, costs, DAYS)
    cells = spread.cells()
    assert len(cells) <= spread.cells_at_most() == len(DAYS) ** 2
    assert sum(cell.sums[0] for cell in cells) == 100 * len(DAYS)
    archived = {account: owner.archived_on for account, owner in owners.items()}
    for cell in cells:
        if cell.account is not None:
            archived_on = archived[cell.account]
            assert archived_on is not None
            assert archived_on > cell.segment


def test_placements_of_other_owners_are_not_looked_through_for_each_change() -> None:
    """A quadratic step before: every stretch between two archivings looked at all placements."""
    looked = 0

    class Counted(dict[UUID, Owner]):
        @override
        def __getitem__(self, key: UUID) -> Owner:
            nonlocal looked
            looked += 1
            return super().__getitem__(key)

    creator = uuid4()
    others = {uuid4(): Owner(uuid4(), None, day, archived_on=day) for day in DAYS for _ in range(9)}
    owners = Counted({**others, uuid4(): Owner(creator, None, FIRST)})
    costs = [cost((Entity.CREATOR, creator), day) for day in DAYS]
    spread = Spread(owners, costs, DAYS)
    assert len(spread.cells()) == len(DAYS)
    assert looked <= len(owners) + len(DAYS)


# --- allocated = entered --------------------------------------------------------------------------

MIA, JO, SPRING = (UUID(int=number) for number in (1, 2, 3))
days = st.sampled_from(DAYS)
placements = st.builds(
    Owner,
    creator_id=st.sampled_from([MIA, JO, None]),
    campaign_id=st.sampled_from([SPRING, None]),
    published_on=st.none() | days,
    archived_on=st.none() | days,
)
catalogs = st.dictionaries(st.integers(100, 130).map(lambda n: UUID(int=n)), placements)
owned_costs = st.builds(
    lambda owner, incurred_on, ends, currency, amount_minor, by: Cost(
        owner, incurred_on, min(ends), max(ends), currency, (amount_minor,), by
    ),
    owner=st.sampled_from(
        [
            None,
            (Entity.CREATOR, MIA),
            (Entity.CREATOR, JO),
            (Entity.CAMPAIGN, SPRING),
            (Entity.PLACEMENT, UUID(int=100)),
        ]
    ),
    incurred_on=days,
    ends=st.tuples(days, days),
    currency=st.sampled_from(["EUR", "JPY"]),
    amount_minor=st.integers(0, 10**6),
    by=st.sampled_from(SpreadBy),
)
# What happened: a placement, its day, and an amount that may be below 0.
Happened = tuple[SpreadBy, UUID, date, str, int]
happened = st.lists(
    st.tuples(
        st.sampled_from([SpreadBy.CLICKS, SpreadBy.CREDIT]),
        st.integers(100, 130).map(lambda n: UUID(int=n)),
        days,
        st.sampled_from(["EUR", "JPY"]),
        st.integers(-3, 9),
    ),
    max_size=20,
)
Parts = Counter[tuple[UUID | None, tuple[Entity, UUID] | None, date, str]]


def parts_of(
    catalog: dict[UUID, Owner],
    costs: list[Cost],
    known: Iterable[Happened] = (),
    *,
    by_account: bool = True,
) -> Parts:
    """Return what each account carries, by day and currency."""
    found: Parts = Counter()
    weights = Weights(
        Weight(by, account, day, currency if by is SpreadBy.CREDIT else "", amount)
        for by, account, day, currency, amount in known
    )
    for cell in Spread(catalog, costs, DAYS, weights, by_account=by_account).cells():
        found[cell.account, cell.owner, cell.segment, cell.currency] += cell.sums[0]
    return found


def expected_parts(catalog: dict[UUID, Owner], costs: list[Cost], known: list[Happened]) -> Parts:
    """The rule, cost by cost."""
    found: Parts = Counter()
    for one in costs:
        accounts = sorted(
            account
            for account, placement in catalog.items()
            if one.owner is not None
            and one.owner[1] in (placement.creator_id, placement.campaign_id)
            and placement.published_on is not None
            and placement.published_on <= one.to_on
            and (placement.archived_on is None or placement.archived_on > one.from_on)
        )
        if one.owner is not None and one.owner[0] is Entity.PLACEMENT:
            accounts = [one.owner[1]]
        for account, part in (
            zip(
                accounts,
                split(one.amounts_minor[0], expected_shares(one, accounts, known)),
                strict=True,
            )
            if accounts
            else ()
        ):
            found[account, None, one.incurred_on, one.currency] += part
        if not accounts:
            found[None, one.owner, one.incurred_on, one.currency] += one.amounts_minor[0]
    return found


def expected_shares(one: Cost, accounts: list[UUID], known: list[Happened]) -> list[Fraction]:
    """The share of each account: of the clicks or the credit in the days of the cost."""
    weights = [0] * len(accounts)
    for by, account, day, currency, amount in known:
        is_meant = by is one.spread and one.from_on <= day <= one.to_on
        if is_meant and (by is SpreadBy.CLICKS or currency == one.currency) and account in accounts:
            weights[accounts.index(account)] += amount
    weights = [max(weight, 0) for weight in weights]
    if not any(weights):
        weights = [1] * len(accounts)
    return [Fraction(weight, sum(weights)) for weight in weights]


@given(catalogs, st.lists(owned_costs, max_size=12), happened)
def test_each_cost_is_shared_by_what_was_published_by_the_end_of_its_days(
    catalog: dict[UUID, Owner], costs: list[Cost], known: list[Happened]
) -> None:
    assert +parts_of(catalog, costs, known) == +expected_parts(catalog, costs, known)


@given(catalogs, st.lists(owned_costs, max_size=12), happened)
def test_the_parts_of_the_headlines_are_those_of_their_placements(
    catalog: dict[UUID, Owner], costs: list[Cost], known: list[Happened]
) -> None:
    expected: Parts = Counter()
    for (account, owner, day, currency), amount in parts_of(catalog, costs, known).items():
        is_own = account in catalog and catalog[account].creator_id is None
        headline = BRAND_ACCOUNT if is_own else CREATOR_ACCOUNT
        expected[account and headline, owner, day, currency] += amount
    assert +parts_of(catalog, costs, known, by_account=False) == +expected


@given(catalogs, st.lists(owned_costs, max_size=12), happened, st.booleans())
def test_what_is_allocated_is_what_was_entered(
    catalog: dict[UUID, Owner], costs: list[Cost], known: list[Happened], by_account: bool
) -> None:
    entered: Counter[tuple[date, str]] = Counter()
    for one in costs:
        entered[one.incurred_on, one.currency] += one.amounts_minor[0]
    allocated: Counter[tuple[date, str]] = Counter()
    parts = parts_of(catalog, costs, known, by_account=by_account)
    for (_, _, day, currency), amount in parts.items():
        allocated[day, currency] += amount
    assert +allocated == +entered


@given(st.lists(owned_costs, max_size=12))
def test_the_stretches_of_weights_hold_each_day_of_a_cost_and_no_other(costs: list[Cost]) -> None:
    bases = [one.basis for one in costs if one.basis is not None]
    found, starts = days_of(bases)
    assert found == sorted({d for b in bases for d in DAYS if b.from_on <= d <= b.to_on})
    for day in found:
        stretch = bisect_right(starts, day)
        assert stretch >= 1
        alike = [other for other in found if bisect_right(starts, other) == stretch]
        for basis in bases:
            assert len({basis.from_on <= other <= basis.to_on for other in alike}) == 1


def test_a_cost_by_weights_is_counted_over_each_of_its_placements() -> None:
    creator = uuid4()
    owners = {uuid4(): Owner(creator, None, FIRST) for _ in range(10)}
    one = replace(cost((Entity.CREATOR, creator), FIRST), spread=SpreadBy.CLICKS)
    for by_account in (True, False):
        spread = Spread(owners, [one] * 7, DAYS, by_account=by_account)
        assert spread.cells_at_most() == 70
        assert [cell.sums for cell in spread.unweighted()] == [(700,)]


@given(catalogs, st.lists(owned_costs, max_size=12), st.sampled_from([MIA, JO, None]), days)
def test_what_is_planned_or_archived_later_changes_no_past_cost(
    catalog: dict[UUID, Owner], costs: list[Cost], creator: UUID | None, today: date
) -> None:
    past = [one for one in costs if one.to_on < today]
    before = parts_of(catalog, past)
    planned = {UUID(int=50): Owner(creator, SPRING, None), UUID(int=51): Owner(MIA, SPRING, today)}
    assert parts_of(catalog | planned, past) == before
    archived = {
        account: Owner(one.creator_id, one.campaign_id, one.published_on, one.archived_on or today)
        for account, one in catalog.items()
    }
    assert parts_of(archived, past) == before


# --- the days that a cost serves -----------------------------------------------------------------


def test_a_cost_serves_its_month_within_its_campaign() -> None:
    day = date(2026, 2, 14)
    february = CostSpan(date(2026, 2, 1), date(2026, 2, 28))
    assert default_span(day, None, None) == february
    assert default_span(day, date(2026, 2, 10), None) == CostSpan(
        date(2026, 2, 10), date(2026, 2, 28)
    )
    assert default_span(day, date(2026, 2, 10), date(2026, 2, 20)) == CostSpan(
        date(2026, 2, 10), date(2026, 2, 20)
    )
    # A deposit before the campaign, and a bill after it.
    assert default_span(day, date(2026, 3, 10), date(2026, 6, 1)) == CostSpan(
        date(2026, 3, 10), date(2026, 3, 31)
    )
    assert default_span(day, date(2025, 3, 10), date(2026, 1, 20)) == CostSpan(
        date(2026, 1, 1), date(2026, 1, 20)
    )


@given(days, st.none() | days, st.none() | days)
def test_a_span_always_has_a_day(
    incurred_on: date, given_from: date | None, given_to: date | None
) -> None:
    if given_from is not None and given_to is not None and given_from > given_to:
        return
    span = span_of_cost(given_from, given_to, default_span(incurred_on, None, None))
    assert span.from_on <= span.to_on
    assert given_from in (None, span.from_on)
    assert given_to in (None, span.to_on)
