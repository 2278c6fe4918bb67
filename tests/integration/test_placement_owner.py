"""Which placement earns when a link or code gets another owner, over HTTP of all services.

Promise: a link or code is moved from a date on, and what was clicked or ordered before stays with
the owner before. A placement is corrected, and the past is restated. The explanation of an order
and the ROI answer name the same creator and the same placement at every step.
"""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.ids import new_id
from tests.e2e.installation import Brand, Installation, Json, eventually

pytestmark = pytest.mark.xdist_group("installation")

NOW = datetime.now(UTC).replace(microsecond=0)
MOVED = NOW - timedelta(days=2)
BEFORE, AFTER, ORDERED = (
    NOW - timedelta(**ago) for ago in ({"days": 3}, {"days": 1}, {"hours": 1})
)
NET = {"early": 1000, "late": 200, "coded early": 30, "coded late": 4}


class Handover:
    """A placement of Mia, a later one of Jo, one link, one code and four orders."""

    def __init__(self, brand: Brand) -> None:
        self.brand = brand
        self.creators = {n: brand.create("creators", name=n)["id"] for n in ("Mia", "Jo", "Kim")}
        self.of_mia, self.of_jo = (self._placement(name) for name in ("Mia", "Jo"))
        self.link = brand.create(
            "links", placement_id=self.of_mia, destination="https://shop.example/"
        )
        self.code = brand.create(
            "codes", code="BAG", creator_id=self.creators["Mia"], placement_id=self.of_mia
        )

    def _placement(self, name: str) -> str:
        made = self.brand.create("placements", creator_id=self.creators[name], platform="instagram")
        return str(made["id"])

    def patch(self, kind: str, object_id: str, **fields: Any) -> Json:
        answer = self.brand.roi.patch(f"/v1/{kind}/{object_id}", json=fields)
        assert answer.status_code == 200, answer.text
        changed: Json = answer.json()
        return changed

    def sell(self) -> None:
        """Send a click and an order of each visitor, and an order with a code before and after."""
        for visitor, at in (("early", BEFORE), ("late", AFTER)):
            self._click(visitor, at)
            self._order(visitor, ORDERED, person={"visitor_id": visitor})
        self._order("coded early", BEFORE, codes=["bag"])
        self._order("coded late", AFTER, codes=["bag"])

    def _click(self, visitor: str, at: datetime) -> None:
        event = {
            "type": "clicked",
            "link": self.link["code"],
            "occurred_at": at.isoformat(),
            "person": {"visitor_id": visitor},
        }

        def accepted() -> bool | None:
            answer = self.brand.tracking.post("/v1/events", json=[event]).json()
            return answer["accepted"] == 1 or None

        eventually(accepted, what="tracking knows the link")

    def _order(self, order_id: str, at: datetime, **fields: Any) -> None:
        money = {"net": {"amount_minor": NET[order_id]}, "currency": "EUR"}
        self.brand.order(order_id, occurred_at=at.isoformat(), **money, **fields)

    def explained(self) -> tuple[Counter[str], Counter[str]]:
        """Return minor units by creator and by placement from the explanations of the orders."""
        by_creator: Counter[str] = Counter()
        by_placement: Counter[str] = Counter()
        for order_id, minor in NET.items():
            found = self.brand.explanation(order_id)
            kept = [
                candidate
                for candidate in (found["revisions"][-1]["candidates"] if found else [])
                if candidate["verdict"] == "kept"
            ]
            if len(kept) == 1:
                by_creator[str(kept[0]["creator_id"])] += minor
                by_placement[str(kept[0]["placement_id"])] += minor
        return by_creator, by_placement

    def answered(self) -> tuple[Counter[str], Counter[str]]:
        """Return the same from the ROI answer, with its default time basis."""
        found = []
        for group_by in ("creator", "placement"):
            rows = self.brand.roi_answer(group_by=group_by)["rows"]
            sums = {
                str(row["group"][group_by]): row["measures"]["net_revenue"]["amount_minor"]
                for row in rows
            }
            found.append(Counter({id: minor for id, minor in sums.items() if minor}))
        return found[0], found[1]

    def both_say(self, creators: dict[str, int], placements: dict[str, int]) -> None:
        """Wait until the explanations and the answer have exactly these amounts."""
        expected = (
            Counter({self.creators[name]: minor for name, minor in creators.items()}),
            Counter(placements),
        )
        seen: list[object] = []

        def look() -> bool | None:
            seen[:] = [self.explained(), self.answered()]
            return seen == [expected, expected] or None

        try:
            eventually(look, what="explanations and answer agree")
        except AssertionError as error:
            raise AssertionError(f"{error}\nexpected {expected}\nseen {seen}") from error


def test_money_follows_a_moved_link_and_a_corrected_placement(installation: Installation) -> None:
    """Run the three steps in this order."""
    story = Handover(Brand.in_new_workspace(installation, f"handover{new_id()[-8:]}"))
    what_came_before_the_move_pays_the_old_creator(story)
    a_corrected_placement_restates_the_past(story)
    a_link_without_a_date_is_restated(story)


def what_came_before_the_move_pays_the_old_creator(story: Handover) -> None:
    moved_at = MOVED.isoformat()
    refused = story.brand.roi.patch(
        f"/v1/placements/{story.of_mia}",
        json={"creator_id": story.creators["Jo"], "valid_from": moved_at},
    )
    assert refused.status_code == 422
    assert [error["field"] for error in refused.json()["errors"]] == ["valid_from"]

    story.sell()
    all_of_it = sum(NET.values())
    story.both_say({"Mia": all_of_it}, {story.of_mia: all_of_it})

    link = story.patch("links", story.link["id"], placement_id=story.of_jo, valid_from=moved_at)
    assert [p["placement_id"] for p in link["periods"]] == [story.of_mia, story.of_jo]
    story.patch("codes", story.code["id"], valid_to=moved_at)
    jo = {"creator_id": story.creators["Jo"], "placement_id": story.of_jo}
    story.brand.create("codes", code="bag", valid_from=moved_at, **jo)
    story.both_say({"Mia": 1030, "Jo": 204}, {story.of_mia: 1030, story.of_jo: 204})


def a_corrected_placement_restates_the_past(story: Handover) -> None:
    """A placement has one creator, also if a code still names the earlier one."""
    story.patch("placements", story.of_mia, creator_id=story.creators["Kim"])
    story.both_say({"Kim": 1030, "Jo": 204}, {story.of_mia: 1030, story.of_jo: 204})


def a_link_without_a_date_is_restated(story: Handover) -> None:
    """The last period is corrected: what was clicked in it was another placement's all along."""
    story.patch("links", story.link["id"], placement_id=story.of_mia)
    story.both_say({"Kim": 1230, "Jo": 4}, {story.of_mia: 1230, story.of_jo: 4})
