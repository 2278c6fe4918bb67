"""Costs are spread: the cells are counted before they are made, and no work is done twice."""

from datetime import date, timedelta
from uuid import UUID, uuid4

from typing_extensions import override

from services.roi.answers.catalog_facts import Owner
from services.roi.answers.cost_spread import Cost, Spread
from services.roi.answers.kinds import Entity

FIRST = date(2026, 1, 1)
DAYS = [FIRST + timedelta(days=number) for number in range(60)]


def test_the_cells_are_counted_before_they_are_made() -> None:
    creator, campaign = uuid4(), uuid4()
    owners = {uuid4(): Owner(creator, campaign if n % 2 else None) for n in range(10)}
    costs = [
        Cost(owner, owner_id, day, "EUR", (1_001,))
        for day in DAYS
        for owner, owner_id in (
            (Entity.CREATOR, creator),
            (Entity.CAMPAIGN, campaign),
            (Entity.PLACEMENT, next(iter(owners))),
            (Entity.CREATOR, uuid4()),
        )
    ]
    spread = Spread(owners, costs, DAYS)
    assert spread.cells_at_most() == len(spread.cells()) == len(DAYS) * (10 + 5 + 1 + 1)


def test_archived_placements_are_counted_and_carry_nothing() -> None:
    creator = uuid4()
    owners = {uuid4(): Owner(creator, None, archived_on=day) for day in DAYS}
    costs = [Cost(Entity.CREATOR, creator, day, "EUR", (100,)) for day in DAYS]
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


def test_placements_of_other_owners_are_not_looked_through_for_each_archiving() -> None:
    """A quadratic step before: every stretch between two archivings looked at all placements."""
    looked = 0

    class Counted(dict[UUID, Owner]):
        @override
        def __getitem__(self, key: UUID) -> Owner:
            nonlocal looked
            looked += 1
            return super().__getitem__(key)

    creator = uuid4()
    others = {uuid4(): Owner(uuid4(), None, archived_on=day) for day in DAYS for _ in range(20)}
    owners = Counted({**others, uuid4(): Owner(creator, None)})
    costs = [Cost(Entity.CREATOR, creator, day, "EUR", (100,)) for day in DAYS]
    spread = Spread(owners, costs, DAYS)
    assert len(spread.cells()) == len(DAYS)
    assert looked <= len(owners) + len(DAYS)
