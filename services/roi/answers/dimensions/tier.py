"""Dimension `tier`: the size of the creator's audience, by the followers of the largest account.

The bounds are `TIERS`. A creator without a known number of followers has no tier.
"""

from typing import Final

import msgspec

from services.roi.answers.kinds import Dimension, Entity, FromCatalog

# Tier and the least number of followers, the smallest tier first. The bounds are those of Mediakix,
# "Influencer Tiers for the Influencer Marketing Industry": nano 1,000 to 10,000, micro to 50,000,
# mid to 500,000, macro to 1,000,000, mega above. Fewer than 1,000 followers count as nano, too.
TIERS: Final = (
    ("nano", 0),
    ("micro", 10_000),
    ("mid", 50_000),
    ("macro", 500_000),
    ("mega", 1_000_000),
)
_ORDER: Final = {name: place for place, (name, _) in enumerate(TIERS)}


def tier_of(followers: int) -> str:
    """Return the tier of a number of followers."""
    return max((least, name) for name, least in TIERS if least <= followers)[1]


def read_tier(accounts: str | None) -> str | None:
    """Return the tier of platform accounts (JSON text); None when followers are unknown."""
    listed = msgspec.json.decode(accounts or "[]") or []
    known = [account["followers"] for account in listed if account.get("followers") is not None]
    return tier_of(max(known)) if known else None


TIER: Final = Dimension(
    id="tier",
    label="Follower tier",
    source=FromCatalog(Entity.CREATOR, "platform_accounts", read_tier),
    empty="no tier",
    order=_ORDER.__getitem__,
    words=tuple(_ORDER),
)
