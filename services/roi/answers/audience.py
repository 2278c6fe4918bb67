"""The followers of the accounts that published what was counted, made of the cells of counts. Pure.

The account of a placement is that of its creator on its platform, with the followers that were
recorded at the answer's moment; of several the largest. Promise: a placement without a known number
is counted as such, and never as 0 followers.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Final
from uuid import UUID

import msgspec

from services.roi.answers.catalog_facts import CatalogFacts
from services.roi.answers.cells import Batch, Cell
from services.roi.answers.dimensions.platform import PLATFORM
from services.roi.answers.kinds import Dimension, Entity, Fact, FromCatalog, Measure
from services.roi.answers.measures.followers import FOLLOWERS
from services.roi.answers.measures.social_counts import ENGAGEMENTS_REPORTS

# What is read of the catalog for it, besides what rows and filters ask.
_ACCOUNTS: Final = Dimension(
    "platform_accounts", "Accounts", FromCatalog(Entity.CREATOR, "platform_accounts")
)
OF_AUDIENCE: Final = (PLATFORM, _ACCOUNTS)


def audience(
    measures: Sequence[Measure], batches: Sequence[Batch], facts: CatalogFacts
) -> list[Batch]:
    """Return the followers behind the counts of batches, where `measures` ask for them."""
    wanted = tuple(measure for measure in measures if measure.fact is Fact.FOLLOWERS)
    if not wanted:
        return []
    return [
        Batch(wanted, list(_cells(wanted, batch, facts)))
        for batch in batches
        if ENGAGEMENTS_REPORTS in batch.measures
    ]


def _cells(wanted: Sequence[Measure], batch: Batch, facts: CatalogFacts) -> Iterator[Cell]:
    place = batch.measures.index(ENGAGEMENTS_REPORTS)
    of_account = cache(lambda account: _followers(facts, account))
    for cell in batch.cells:
        if cell.account is not None and cell.sums[place]:
            known = of_account(cell.account)
            sums = [
                (known or 0) if measure is FOLLOWERS else int(known is None) for measure in wanted
            ]
            yield Cell(cell.segment, tuple(sums), cell.account, columns=cell.columns)


def _followers(facts: CatalogFacts, account: UUID) -> int | None:
    """Return the followers of the account that published a placement; None: not known."""
    (platform,) = facts.parts_of_account(PLATFORM, account)
    (accounts,) = facts.parts_of_account(_ACCOUNTS, account)
    if platform.id is None or accounts.id is None:
        return None
    known = [
        one["followers"]
        for one in msgspec.json.decode(accounts.id)
        if one["platform"] == platform.id and one.get("followers") is not None
    ]
    return max(known, default=None)
