"""The names of the placements and creators in an explanation, from the catalog of roi.

Promise: an id that roi does not know is shown as it is; it does not fail the explanation. Two
placements with one name are told apart by what differs: title, address, day of publishing, or id.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from services.cli.profile import Api, Refused
from shared.errors import ConfigurationError
from shared.ids import MAIN_STORE


@dataclass(frozen=True, slots=True)
class Names:
    """Names of creators and placements, by id; `store` is the name of the store of the order."""

    creators: dict[str, str] = field(default_factory=dict)
    placements: dict[str, str] = field(default_factory=dict)
    store: str = MAIN_STORE

    def account(self, account: str) -> str:
        """Return the name of a ledger account: of the placement, or "nobody" for organic."""
        return "nobody (organic)" if account == "organic" else self.placements.get(account, account)

    def candidate(self, candidate: dict[str, str | None]) -> str:
        """Return the name of the placement of a candidate, else of the creator, else an id."""
        placement, creator = candidate.get("placement_id"), candidate.get("creator_id")
        if placement is not None and placement in self.placements:
            return self.placements[placement]
        return self.creators.get(creator or "", creator or placement or "unknown")


async def find_names(
    api: Api, placement_ids: Iterable[str], creator_ids: Iterable[str], store: str
) -> Names:
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
    shown = placement_names(placements, creators)
    if store == MAIN_STORE:
        return Names(creators, shown)
    return Names(creators, shown, str((await _find(api, "stores", store)).get("name", store)))


async def find_creator(api: Api, wanted: str) -> str:
    """Return the id of the creator with this id, external id, name or handle.

    Case makes no difference. Raises `ConfigurationError` if none or several have it.
    """
    found: dict[str, str] = {}
    for item in await api.items("roi", "/v1/creators"):
        told = (item["id"], item["external_id"], item["name"], item["handle"])
        if wanted.casefold() in {text.casefold() for text in told if text}:
            found[item["id"]] = item["name"]
    if len(found) == 1:
        return next(iter(found))
    if found:
        raise ConfigurationError(
            f"{len(found)} creators are called {wanted!r}: use one of the ids {', '.join(found)}"
        )
    raise ConfigurationError(f"no creator is called {wanted!r}; GET /v1/creators lists them")


async def _find(api: Api, kind: str, id: str) -> dict[str, object]:
    try:
        found = await api.get("roi", f"/v1/{kind}/{id}")
    except Refused:
        return {}
    return dict(found)


def placement_names(
    placements: Mapping[str, dict[str, object]], creators: Mapping[str, str]
) -> dict[str, str]:
    """Return a different name for each placement: `Mia · instagram reel · “Summer bag”`.

    An automatic placement has the name of its creator alone.
    """
    names = {id: _placement_name(item, creators) for id, item in placements.items()}
    for field_name in ("title", "url", "published_at", "id"):
        counts = Counter(names.values())
        for id, item in placements.items():
            told = _told_by(item, field_name)
            # A title says more to a person than a platform does, so it is always shown.
            if told and (field_name == "title" or counts[names[id]] > 1):
                names[id] = f"{names[id]} · {told}"
    return names


def _told_by(placement: Mapping[str, object], field_name: str) -> str:
    value = placement.get(field_name)
    if not value:
        return ""
    if field_name == "title":
        return f"“{value}”"
    return str(value)[:10] if field_name == "published_at" else str(value)


def _placement_name(placement: Mapping[str, object], creators: Mapping[str, str]) -> str:
    """Return `Mia · instagram reel`; the name alone for an automatic placement."""
    who = creators.get(str(placement.get("creator_id")), "the brand itself")
    where = " ".join(
        str(placement[name]).replace("_", " ")
        for name in ("platform", "content_type")
        if placement.get(name)
    )
    return f"{who} · {where}" if where else who
