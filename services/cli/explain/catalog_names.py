"""The names of the placements and creators in an explanation, from the catalog of roi.

Promise: an id that roi does not know is shown as it is; it does not fail the explanation.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from services.cli.profile import Api, Refused


@dataclass(frozen=True, slots=True)
class Names:
    """Names of creators and placements, by id."""

    creators: dict[str, str] = field(default_factory=dict)
    placements: dict[str, str] = field(default_factory=dict)

    def account(self, account: str) -> str:
        """Return the name of a ledger account: of the placement, or "nobody" for organic."""
        return "nobody (organic)" if account == "organic" else self.placements.get(account, account)

    def candidate(self, candidate: dict[str, str | None]) -> str:
        """Return the name of the placement of a candidate, else of the creator, else an id."""
        placement, creator = candidate.get("placement_id"), candidate.get("creator_id")
        if placement is not None and placement in self.placements:
            return self.placements[placement]
        return self.creators.get(creator or "", creator or placement or "unknown")


async def find_names(api: Api, placement_ids: Iterable[str], creator_ids: Iterable[str]) -> Names:
    """Ask roi for each id once."""
    placements = {
        id: found
        for id in sorted(set(placement_ids))
        if (found := await _find(api, "placements", id))
    }
    wanted = set(creator_ids) | {
        str(item["creator_id"]) for item in placements.values() if item.get("creator_id")
    }
    creators = {
        id: str(found["name"])
        for id in sorted(wanted)
        if (found := await _find(api, "creators", id))
    }
    return Names(creators, {id: _placement_name(item, creators) for id, item in placements.items()})


async def _find(api: Api, kind: str, id: str) -> dict[str, object]:
    try:
        found = await api.get("roi", f"/v1/{kind}/{id}")
    except Refused:
        return {}
    return dict(found)


def _placement_name(placement: dict[str, object], creators: dict[str, str]) -> str:
    """Return `Mia · instagram reel`; the name alone for an automatic placement."""
    who = creators.get(str(placement.get("creator_id")), "the brand itself")
    where = " ".join(
        str(placement[name]).replace("_", " ")
        for name in ("platform", "content_type")
        if placement.get(name)
    )
    return f"{who} · {where}" if where else who
