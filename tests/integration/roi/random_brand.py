"""A workspace that grows by random steps, for tests of what holds for every answer."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.credits import COUNT_NAMES, ORGANIC, AnyCredits
from shared.ids import MAIN_STORE, automatic_placement_id
from tests.integration.roi.catalog_facts import cost_facts, placement_facts
from tests.integration.roi.roi_workspace import RoiWorkspace


class Brand:
    """A workspace grows by random steps: placements, costs, margins, orders, refunds, clicks."""

    def __init__(self, roi: RoiWorkspace, seed: int) -> None:
        self.roi = roi
        self.chance = random.Random(seed)
        self.creators: list[str] = []
        self.campaigns: list[str] = []
        self.placements: list[str] = []
        self.costs: list[str] = []
        self.links: list[str] = []
        self.till = MAIN_STORE

    async def start(self) -> None:
        """Two creators, a campaign, three placements (one the brand's own)."""
        for name, followers, country in (("Mia", 12_000, "DE"), ("Jo", None, None)):
            accounts = [{"platform": "instagram", "handle": name, "followers": followers}]
            facts = {"country": country, "platform_accounts": accounts}
            self.creators.append(await self.roi.creator(name, **facts))
        self.campaigns = [
            await self.roi.campaign("Spring", objective="sales"),
            await self.roi.campaign("Empty"),
        ]
        for creator in (*self.creators, None):
            self.placements.append(await self.roi.placement(creator, self.campaigns[0]))
        self.placements.append(automatic_placement_id(self.roi.workspace_id, self.creators[0]))
        self.links = [await self.roi.link(f"code{number}", self.placements[0]) for number in (1, 2)]
        self.till = await self.roi.put("store", {"name": "Till"})

    def moment(self) -> datetime:
        """Return a random quarter of an hour of March 2026."""
        return datetime(2026, 3, 1, tzinfo=UTC) + timedelta(
            minutes=15 * self.chance.randrange(96 * 30)
        )

    def records(self, count: int) -> list[AnyCredits]:
        """Orders over several accounts and currencies, leads, reversals, clicks and counts."""
        found: list[AnyCredits] = []
        for _ in range(count):
            self.roi.now += timedelta(hours=self.chance.randrange(9))
            at = self.moment()
            if self.chance.random() < 0.3:
                account = self.chance.choice(self.placements)
                count = self.chance.randrange(-1, 30)
                found.append(self.roi.clicks(account, at, count, **self.slot()))
                continue
            if self.chance.random() < 0.3:
                found.append(self.counted(at))
                continue
            accounts = self.chance.sample([*self.placements, ORGANIC], 2)
            amounts = [self.chance.randrange(-300, 20_000) for _ in accounts]
            touched = [at - timedelta(hours=self.chance.randrange(300)) for _ in accounts]
            shares: dict[str, tuple[int, datetime | None]] = {
                account: (amount, None if account == ORGANIC else when)
                for account, amount, when in zip(accounts, amounts, touched, strict=True)
            }
            kind = self.chance.choice(["purchase", "purchase", "renewal", "lead"])
            money = {"currency": self.chance.choice(["EUR", "EUR", "JPY"]), "kind": kind}
            stage = self.chance.choice(["purchase", "retention"])
            facts = {
                "stage": stage,
                "new_customer": self.chance.choice([None, True, False]),
                "store": self.chance.choice([MAIN_STORE, self.till]),
                "slot": self.slot() | {"evidence_class": self.chance.choice(["click", "code"])},
            }
            found.append(self.roi.order(sum(amounts), at, shares, **facts, **money))
        return found

    def slot(self) -> dict[str, str | None]:
        """Return what tells the touches of an account apart."""
        chance = self.chance
        return {
            "link_id": chance.choice([None, *self.links]),
            "code": chance.choice([None, "SPRING", "A,B", "-10%"]),
            "sub_source": chance.choice([None, "bio", "video 3"]),
        }

    def counted(self, at: datetime) -> AnyCredits:
        """Counts of a placement, perhaps of another source, corrected, or fallen."""
        told = self.chance.sample(COUNT_NAMES, self.chance.randrange(1, 4))
        counts: dict[str, Any] = {name: self.chance.randrange(500) for name in told}
        return self.roi.counted(
            self.chance.choice(self.placements),
            at.replace(hour=0, minute=0),
            source=self.chance.choice(["Instagram", "Agency"]),
            quality=self.chance.choice(["observed", "manual"]),
            **counts,
        )

    async def step(self) -> None:
        """Make one random change of the catalog."""
        chance, roi = self.chance, self.roi
        day = f"2026-03-{chance.randrange(1, 31):02}"
        match chance.randrange(6):
            case 0:
                owner = chance.choice(
                    [
                        {"creator_id": chance.choice(self.creators)},
                        {"campaign_id": chance.choice(self.campaigns)},
                        {"placement_id": chance.choice(self.placements)},
                        {},
                    ]
                )
                currency = chance.choice(["EUR", "JPY"])
                served = chance.choice([{}, {"serves_from": day, "serves_to": day}])
                served = served | {"spread": chance.choice(["equal", "clicks", "views", "credit"])}
                self.costs.append(
                    await roi.cost(chance.randrange(1, 9_999), day, currency, **served, **owner)
                )
            case 1:
                await self._correct()
            case 2:
                await roi.margin(chance.randrange(1_000_000), chance.choice([None, self.moment()]))
            case 3 if self.costs:
                await roi.put("cost", entity_id=chance.choice(self.costs), archived=True)
            case 4 if self.costs:
                owner = {"creator_id": chance.choice(self.creators)}
                facts = cost_facts(chance.randrange(1, 9_999), day, **owner)
                await roi.put("cost", facts, entity_id=chance.choice(self.costs))
            case _:
                await roi.put(
                    "placement", entity_id=chance.choice(self.placements[:3]), archived=True
                )

    async def _correct(self) -> None:
        """Correct a placement from its start: other owner, campaign and kind."""
        owner = self.chance.choice([*self.creators, None])
        home = self.chance.choice([*self.campaigns, None])
        facts = placement_facts(owner, home, self.chance.choice(["instagram", "tiktok"]))
        kinds = {
            "content_type": self.chance.choice(["reel", "story", None]),
            "format": self.chance.choice(["review", None]),
            "topics": self.chance.choice([[], ["bags"], ["bags", "travel"]]),
            "cta": self.chance.choice(["See the bag", None]),
        }
        dates = self.chance.choice(
            [
                {},
                {"planned_at": self.moment().isoformat()},
                {"published_at": self.moment().isoformat()},
            ]
        )
        placement = self.chance.choice(self.placements[:3])
        await self.roi.put("placement", facts | kinds | dates, entity_id=placement)
