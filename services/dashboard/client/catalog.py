"""The names of creators, campaigns and placements, for pages that list what belongs to them.

Promise: a placement is named as the answers of the API name it: `Mia · instagram · reel`. One call
for each kind; a brand with more objects than a page lists has the newest ones here, and others are
named by their ids.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from services.dashboard.client.api import Answer, Api, Failed, Got, together

Json = Mapping[str, Any]
BRAND: Final = "brand"


@dataclass(frozen=True, slots=True)
class Catalog:
    """The objects by id; archived ones are among them, because figures name them."""

    creators: Mapping[str, Json]
    campaigns: Mapping[str, Json]
    placements: Mapping[str, Json]

    @classmethod
    async def read(cls, api: Api) -> "Catalog | Failed":
        """Ask for all three kinds at once."""
        asked = {"include_archived": "true"}
        answers = await together(
            *(
                api.items("roi", f"/v1/{kind}", asked)
                for kind in ("creators", "campaigns", "placements")
            )
        )
        found = []
        for answer in answers:
            if isinstance(answer, Failed):
                return answer
            found.append({one["id"]: one for one in answer.body})
        return cls(*found)

    @classmethod
    async def answer(cls, api: Api) -> Answer:
        """Return the catalog as an answer, to be asked together with others."""
        found = await cls.read(api)
        return found if isinstance(found, Failed) else Got(found)

    # --- names -----------------------------------------------------------------------------------

    def creator(self, id_: str | None) -> str:
        """Return the name of a creator."""
        return _name(self.creators, id_)

    def campaign(self, id_: str | None) -> str:
        """Return the name of a campaign."""
        return _name(self.campaigns, id_)

    def placement(self, id_: str | None) -> str:
        """Return the name of a placement."""
        found = self.placements.get(id_ or "")
        if found is None:
            return id_ or "–"
        owner = BRAND if found["is_brand"] else self.creator(found["creator_id"])
        words = (owner, found["platform"], found["content_type"] or found["format"])
        return " · ".join(word for word in words if word)

    def owner(self, owned: Json) -> str:
        """Return whose an object is: of a placement, a creator, a campaign, or of nobody."""
        if owned.get("placement_id"):
            return self.placement(owned["placement_id"])
        if owned.get("creator_id"):
            return self.creator(owned["creator_id"])
        return self.campaign(owned["campaign_id"]) if owned.get("campaign_id") else "overhead"

    # --- choices of forms ------------------------------------------------------------------------

    def creator_choices(self) -> Sequence[tuple[str, str]]:
        """Return id and name of each creator in use."""
        return _choices(self.creators, self.creator)

    def campaign_choices(self) -> Sequence[tuple[str, str]]:
        """Return id and name of each campaign in use."""
        return _choices(self.campaigns, self.campaign)

    def placement_choices(self) -> Sequence[tuple[str, str]]:
        """Return id and name of each placement in use; of several with one name, with their day."""
        found = _choices(self.placements, self.placement)
        names = [name for _, name in found]
        return [
            (id_, f"{name} ({self._day(id_)})" if names.count(name) > 1 else name)
            for id_, name in found
        ]

    def _day(self, placement_id: str) -> str:
        found = self.placements[placement_id]
        return str(found["published_at"] or found["planned_at"] or found["created_at"])[:10]


def _name(objects: Mapping[str, Json], id_: str | None) -> str:
    found = objects.get(id_ or "")
    return id_ or "–" if found is None else str(found["name"])


def _choices(objects: Mapping[str, Json], name: Any) -> Sequence[tuple[str, str]]:
    in_use = [id_ for id_, one in objects.items() if one["deleted_at"] is None]
    return sorted(((id_, name(id_)) for id_ in in_use), key=lambda pair: pair[1].casefold())
