"""Two workspaces with an object of each kind, for the tests of foreign ids."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from shared.ids import new_id
from shared.money import parse_minor
from tests.e2e.installation import Brand, eventually

SHARED: Final = "the-same-in-both"
KINDS: Final = (
    "creators",
    "campaigns",
    "placements",
    "links",
    "codes",
    "policies",
    "stores",
    "connections",
    "keys",
    "agents",
    "costs",
    "goals",
    "rates",
)
# The fields of a body that reference objects, and the kind of the object.
REFERENCES: Final = {
    "placements": {"creator_id": "creators", "campaign_id": "campaigns"},
    "links": {"placement_id": "placements", "creator_id": "creators"},
    "codes": {"creator_id": "creators", "placement_id": "placements"},
    "connections": {"store_id": "stores"},
    "costs": {
        "placement_id": "placements",
        "creator_id": "creators",
        "campaign_id": "campaigns",
        "agent_id": "agents",
        "boosts_placement_id": "placements",
    },
    "goals": {"creator_id": "creators", "campaign_id": "campaigns"},
}
Json = dict[str, Any]


@dataclass
class Tenant:
    """One workspace with one object of each kind, a credited order and a dead letter."""

    brand: Brand
    name: str
    made: dict[str, Json] = field(default_factory=dict)
    click_id: str = ""
    letter_id: str = ""
    # Order id to minor units. Only the first report of an order counts; another is a dead letter.
    sold: dict[str, int] = field(default_factory=dict)

    @property
    def order_id(self) -> str:
        return f"order of {self.name}"

    def fill(self) -> None:
        for kind in KINDS:
            answer = self.brand.roi.post(
                f"/v1/{kind}",
                json=self.body(kind) | {"external_id": SHARED},
                headers={"Idempotency-Key": f"{SHARED} {kind}"},
            )
            assert answer.status_code == 201, answer.text
            self.made[kind] = answer.json()
        self.click_id = self.brand.click(self.made["links"]["code"])
        for net in ("10.00", "11.00"):
            self.order(self.order_id, net=net, person={"click_id": self.click_id})
        self.letter_id = eventually(self._letter, what="the second order is a dead letter")

    def body(self, kind: str) -> Json:
        """Return a valid body that references objects of this workspace."""
        bodies: dict[str, Json] = {
            "creators": {"name": f"Creator of {self.name}"},
            "campaigns": {"name": f"Campaign of {self.name}"},
            "placements": {"platform": "instagram", "creator_id": self.id_of("creators")},
            "links": {
                "destination": f"https://{self.name}.example/",
                "placement_id": self.id_of("placements"),
            },
            "codes": {"code": f"CODE{self.name}", "creator_id": self.id_of("creators")},
            "policies": {"valid_from": "2031-01-01T00:00:00Z"},
            "stores": {"name": f"Store of {self.name}"},
            "connections": {"kind": "shopify", "secret": f"secret of {self.name}"},
            "keys": {"name": f"Key of {self.name}", "scopes": ["read"]},
            "agents": {"name": f"Agent of {self.name}"},
            "costs": {
                "kind": "paid_boost",
                "amount": "5.00",
                "currency": "EUR",
                "creator_id": self.id_of("creators"),
            },
            "goals": {
                "metric": "net_revenue",
                "target": "50.00",
                "starts_on": "2026-01-01",
                "ends_on": "2026-12-31",
                "creator_id": self.id_of("creators"),
            },
            "rates": {
                "kind": "exchange",
                "currency": "USD",
                "amount": "0.9",
                "valid_from": "2026-03-01",
            },
        }
        return bodies[kind]

    def body_with_reference(self, kind: str, name: str, entity_id: str) -> Json:
        """Return a body of this workspace with one reference to `entity_id`."""
        body = self.body(kind)
        if kind in ("links", "costs", "goals"):
            body = {key: value for key, value in body.items() if key not in REFERENCES[kind]}
        return body | {name: entity_id}

    def id_of(self, kind: str) -> str:
        return str(self.made[kind]["id"]) if kind in self.made else ""

    def order(self, order_id: str, net: str, **fields: Any) -> Json:
        answer = self.brand.order(
            order_id, currency="EUR", occurred_at="2026-03-01T12:00:00Z", net=net, **fields
        )
        self.sold.setdefault(order_id, parse_minor(net, "EUR"))
        return answer

    def _letter(self) -> str | None:
        items = self.brand.attribution.get("/v1/dead-letters").json()["items"]
        return items[0]["id"] if items else None

    def secrets(self) -> set[str]:
        """Return every text that only this workspace may read."""
        found = {self.name, self.click_id, self.letter_id, self.made["keys"]["key"]}
        for made in self.made.values():
            found |= {made["id"]}
        return found | {self.made["creators"]["automatic_placement_id"]}


@dataclass
class TenantPair:
    """Two workspaces. `ask` sends a call of `mine` and fails on data of `theirs` in the answer."""

    theirs: Tenant
    mine: Tenant

    def ask(
        self, client: httpx.Client, method: str, path: str, json: Any = None, **options: Any
    ) -> httpx.Response:
        answer = client.request(method, path, json=json, **options)
        sent = f"{path} {json}"
        leaked = {
            word for word in self.theirs.secrets() if word in answer.text and word not in sent
        }
        assert leaked == set(), f"{method} {path} shows {leaked}"
        return answer

    def refused_alike(
        self, status: int, call: Callable[[str], httpx.Response], foreign_id: str
    ) -> None:
        """Check that a foreign id and an unknown id are refused with the same answer."""
        unknown_id = new_id()
        foreign, unknown = call(foreign_id), call(unknown_id)
        assert (foreign.status_code, unknown.status_code) == (status, status), foreign.text
        shown = foreign.json() | {"request_id": ""}
        expected = unknown.json() | {"request_id": ""}
        assert str(shown).replace(foreign_id, "ID") == str(expected).replace(unknown_id, "ID")
