"""The catalog of the demo in roi: creators, campaigns, placements, links, codes, costs and rates.

Promise: each is written by `PUT …/by-external-id`, so a second run changes nothing.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from services.cli.demo.demo_brand import (
    BRAND_COSTS,
    BRAND_POSTS,
    CAMPAIGN_COSTS,
    CAMPAIGNS,
    CREATORS,
    CURRENCY,
    DEMO_DAYS,
    GOALS,
    MARGIN,
    OUTLET,
    OVERHEAD_COSTS,
    PLANS,
    SHARED_CODE,
    VALUE_RATES,
    DemoCampaign,
    DemoCost,
    DemoCreator,
    DemoGoal,
    DemoPlan,
    DemoPost,
)
from services.cli.demo.demo_events import link_code
from services.cli.profile import Api
from shared.errors import ConfigurationError

PREFIX: Final = "demo-"
SHOP: Final = "https://nordhang.example"


@dataclass(slots=True)
class CatalogIds:
    """The first day of the month, and the ids that roi gave, by the slugs of the demo."""

    first_day: date
    creators: dict[str, str] = field(default_factory=dict)
    placements: dict[str, str] = field(default_factory=dict)
    campaigns: dict[str, str] = field(default_factory=dict)


async def first_day(api: Api, today: date) -> date:
    """Return the first day of an earlier run; without one, the month ends today."""
    for campaign in await api.items("roi", "/v1/campaigns"):
        if campaign.get("external_id") == PREFIX + CAMPAIGNS[0].slug:
            return date.fromisoformat(campaign["starts_on"])
    return today - timedelta(days=DEMO_DAYS - 1)


async def refuse_mixing(api: Api, workspace: str) -> None:
    """Raise `ConfigurationError` if a creator of the workspace is not of the demo."""
    for creator in await api.items("roi", "/v1/creators"):
        if not str(creator.get("external_id") or "").startswith(PREFIX):
            raise ConfigurationError(
                f"the workspace {workspace} has creators of its own ({creator['name']}), and the"
                " demo would mix made-up sales with theirs. Choose a new one:"
                " `laurel demo --workspace demo-2`"
            )


async def make_catalog(api: Api, first: date, step: Callable[[], None]) -> CatalogIds:
    """Create or find every object, and call `step` after each."""
    plan = CatalogIds(first)
    await _put(api, "policies", "rules", {"margin": MARGIN})
    step()
    # Stores come before links: tracking reads the catalog in order, and the links are awaited.
    await _put(api, "stores", OUTLET.slug, {"name": OUTLET.name})
    step()
    for campaign in CAMPAIGNS:
        plan.campaigns[campaign.slug] = await _put(
            api, "campaigns", campaign.slug, _campaign(plan, campaign)
        )
        step()
    for creator in CREATORS:
        plan.creators[creator.slug] = await _put(api, "creators", creator.slug, _creator(creator))
        step()
        if creator.code is not None:
            body = {"code": creator.code, "creator_id": plan.creators[creator.slug]}
            await _put(api, "codes", creator.slug, body)
            step()
    for post, owner in posts():
        plan.placements[post.slug] = await _put(
            api, "placements", post.slug, _placement(plan, post, owner)
        )
        step()
        link = {
            "placement_id": plan.placements[post.slug],
            "destination": f"{SHOP}/{post.campaign}",
            "code": link_code(post),
        }
        await _put(api, "links", post.slug, link)
        step()
    for slug in SHARED_CODE.creators:
        body = {"code": SHARED_CODE.code, "creator_id": plan.creators[slug]}
        await _put(api, "codes", f"shared-{slug}", body)
        step()
    for planned in PLANS:
        await _put(api, "placements", planned.slug, _planned(plan, planned))
        step()
    costs = (("costs", slug, body) for slug, body in _costs(plan))
    goals = (("goals", goal.slug, _goal(plan, goal)) for goal in GOALS)
    rates = (("rates", f"value-{unit}", _value_rate(plan, unit)) for unit in VALUE_RATES)
    for kind, slug, body in (*costs, *goals, *rates):
        await _put(api, kind, slug, body)
        step()
    return plan


def catalog_size() -> int:
    """Return the number of objects that `make_catalog` writes."""
    codes = sum(creator.code is not None for creator in CREATORS)
    costs = sum(len(creator.costs) for creator in CREATORS) + len(BRAND_COSTS)
    costs += len(CAMPAIGN_COSTS) + len(OVERHEAD_COSTS)
    shared = len(SHARED_CODE.creators) + len(PLANS) + len(GOALS) + len(VALUE_RATES)
    made = 2 + len(CAMPAIGNS) + len(CREATORS) + codes + shared + costs
    return made + 2 * sum(1 for _ in posts())


def posts() -> Iterator[tuple[DemoPost, DemoCreator | None]]:
    """Yield every post with its creator; None for the brand."""
    for creator in CREATORS:
        for post in creator.posts:
            yield post, creator
    for post in BRAND_POSTS:
        yield post, None


async def _put(api: Api, kind: str, slug: str, body: dict[str, Any]) -> str:
    made = await api.call("PUT", "roi", f"/v1/{kind}/by-external-id/{PREFIX}{slug}", json=body)
    return str(made["id"])


def _campaign(plan: CatalogIds, campaign: DemoCampaign) -> dict[str, Any]:
    return {
        "name": campaign.name,
        "objective": campaign.objective,
        "starts_on": plan.first_day.isoformat(),
        "ends_on": (plan.first_day + timedelta(days=DEMO_DAYS - 1)).isoformat(),
        "budget": {"amount": campaign.budget, "currency": CURRENCY},
    }


def _value_rate(plan: CatalogIds, unit: str) -> dict[str, Any]:
    return {
        "kind": "value",
        "currency": CURRENCY,
        "per": unit,
        "amount": VALUE_RATES[unit],
        "valid_from": plan.first_day.isoformat(),
    }


def _goal(plan: CatalogIds, goal: DemoGoal) -> dict[str, Any]:
    return {
        "name": goal.name,
        "metric": goal.metric,
        "target": goal.target,
        "currency": CURRENCY,
        "starts_on": plan.first_day.isoformat(),
        "ends_on": (plan.first_day + timedelta(days=DEMO_DAYS - 1)).isoformat(),
        "campaign_id": None if goal.campaign is None else plan.campaigns[goal.campaign],
        "direction": goal.direction,
    }


def _creator(creator: DemoCreator) -> dict[str, Any]:
    account = {
        "platform": creator.platform,
        "handle": creator.handle,
        "followers": creator.followers,
    }
    return {
        "name": creator.name,
        "handle": creator.handle,
        "platform_accounts": [account],
        "country": creator.country,
        "topics": list(creator.topics),
    }


def _placement(plan: CatalogIds, post: DemoPost, owner: DemoCreator | None) -> dict[str, Any]:
    published_at = _moment(plan, post.day, post.hour)
    body: dict[str, Any] = {
        "campaign_id": plan.campaigns[post.campaign],
        "platform": post.platform,
        "content_type": post.content_type,
        "format": post.format,
        "planned_at": published_at,
        "published_at": published_at,
        "cta": post.cta,
    }
    return body | (
        {"is_brand": True} if owner is None else {"creator_id": plan.creators[owner.slug]}
    )


def _planned(plan: CatalogIds, planned: DemoPlan) -> dict[str, Any]:
    return {
        "creator_id": plan.creators[planned.creator],
        "campaign_id": plan.campaigns[planned.campaign],
        "platform": planned.platform,
        "content_type": planned.content_type,
        "planned_at": _moment(plan, planned.day, 18),
    }


def _moment(plan: CatalogIds, day: int, hour: int) -> str:
    on = plan.first_day + timedelta(days=day)
    return datetime.combine(on, time(hour), UTC).isoformat()


def _costs(plan: CatalogIds) -> Iterator[tuple[str, dict[str, Any]]]:
    for creator in CREATORS:
        owner = {"creator_id": plan.creators[creator.slug]}
        for index, cost in enumerate(creator.costs):
            yield f"{creator.slug}-{index}", _cost(plan, cost) | owner
    for index, cost in enumerate(BRAND_COSTS):
        yield (
            f"own-{index}",
            _cost(plan, cost) | {"placement_id": plan.placements[BRAND_POSTS[0].slug]},
        )
    for slug, cost in CAMPAIGN_COSTS.items():
        yield f"campaign-{slug}", _cost(plan, cost) | {"campaign_id": plan.campaigns[slug]}
    for index, cost in enumerate(OVERHEAD_COSTS):
        yield f"overhead-{index}", _cost(plan, cost)


def _cost(plan: CatalogIds, cost: DemoCost) -> dict[str, Any]:
    """Return a cost that serves the whole month of the demo."""
    return {
        "kind": cost.kind,
        "amount": cost.amount,
        "currency": CURRENCY,
        "incurred_on": (plan.first_day + timedelta(days=cost.day)).isoformat(),
        "from": plan.first_day.isoformat(),
        "to": (plan.first_day + timedelta(days=DEMO_DAYS - 1)).isoformat(),
        "retail_value": cost.retail_value,
        "note": cost.note,
    }
