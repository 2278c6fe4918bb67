"""No text that names a person is stored in clear (I11): every text field of every tracking call.

The fields are those of the OpenAPI document, so a new one is tested without a change here. A name
and an e-mail address in many spellings are sent in each; then the journal, the log, all tables and
the output of the services are searched for them. A brand's own servers may use names in ids and
codes; an e-mail address stays clear nowhere.
"""

import asyncio
import base64
import html
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import httpx
import pytest

import services.tracking.adapters.shopify
from services.tracking.store.quotas import TESTS_A_MINUTE
from shared.clock import SystemClock
from tests.contract.test_described import operations
from tests.e2e.installation import Brand, Installation, Json, eventually
from tests.fixtures.connections import connect

pytestmark = pytest.mark.xdist_group("installation")

WORDS: Final = ("zaphod", "quillfeather")
EMAIL: Final = "Zaphod.Quillfeather@mail.example"
NAMES: Final = ("Zaphod Quillfeather", "zaphod.quillfeather", "Zaphod-1984", "Quillfeather")
EMAILS: Final = (
    EMAIL,
    f"<{EMAIL}>",
    EMAIL.replace("@", "%40"),
    quote(quote(EMAIL)),
    EMAIL.replace("@", "\uff20"),
    "".join(chr(ord(letter) + 0xFEE0) for letter in EMAIL),
    EMAIL.replace("@", "&#64;"),
    html.escape(EMAIL.replace("@", "&commat;")),
    EMAIL.replace("@", "\\u0040"),
    EMAIL.replace("@", "\u200b@"),
    f"https://shop.example/account/{EMAIL}/orders?mail={EMAIL}#{EMAIL}",
    f"https://{quote(EMAIL)}/{quote(EMAIL)}",
)
MOMENT: Final = SystemClock().now().isoformat()
PLACEMENT: Final = "01900000-0000-7000-8000-000000000003"
MONEY: Final = {"net": "49.90", "currency": "EUR"}
COUNTED: Final[Json] = {
    "placement_id": PLACEMENT,
    "as_of": MOMENT,
    "source": "Instagram",
    "quality": "manual",
    "likes": 1,
}
# A valid item of each type of event. A type that is missing here fails the test.
ITEMS: Final[dict[str, Json]] = {
    "ordered": {"order_id": "1001", **MONEY},
    "renewed": {"order_id": "1001", **MONEY},
    "lead": {"conversion_id": "1001"},
    "signed_up": {"conversion_id": "1001"},
    "downloaded": {"conversion_id": "1001"},
    "order_adjusted": {"order_id": "1001", "adjustment_id": "1", "kind": "cancel"},
    "clicked": {"link": "text-probe"},
    "viewed": {"placement_id": PLACEMENT},
    "visited": {},
    "engaged": {"action": "add_to_cart"},
    "identified": {"person": {"visitor_id": "v-1", "customer_id": "1"}},
    "referred": {"code": "MIA10"},
    "surveyed": {"placement_id": PLACEMENT},
    "social_reported": COUNTED,
}
BODIES: Final[dict[str, Json]] = {
    "/v1/conversions": {**ITEMS["ordered"], "occurred_at": MOMENT},
    "/v1/adjustments": {**ITEMS["order_adjusted"], "occurred_at": MOMENT},
}

CONNECTION_TEST: Final = "/v1/connections/{connection_id}/test"

Path_ = tuple[str | int, ...]


def text_fields(schema: Any, document: Json, at: Path_ = ()) -> Iterator[Path_]:
    """Yield the place of each free text in a JSON schema: no list of words, no pattern of an id."""
    if "$ref" in schema:
        named = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        yield from text_fields(named, document, at)
    for part in (*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())):
        yield from text_fields(part, document, at)
    kind = schema.get("type")
    if kind == "string" and not {"enum", "const", "pattern"} & schema.keys():
        yield at
    if kind == "array":
        yield from text_fields(schema.get("items", {}), document, (*at, 0))
    if kind == "object":
        for name, field in schema.get("properties", {}).items():
            yield from text_fields(field, document, (*at, name))
        if schema.get("additionalProperties", True) is True:
            yield (*at, "anything")


def with_text(body: Any, at: Path_, text: str) -> Any:
    """Return a copy of a body with a text at a place."""
    if not at:
        return text
    first, rest = at[0], at[1:]
    if isinstance(first, int):
        return [with_text(None, rest, text)]
    kept = body if isinstance(body, dict) else {}
    return {**kept, first: with_text(kept.get(first), rest, text)}


def event_of(name: str) -> Json:
    """Return the valid item of a type; counts are dated by `as_of`."""
    dated = {} if "as_of" in ITEMS[name] else {"occurred_at": MOMENT}
    return {"type": name, **dated, **ITEMS[name]}


class Sender:
    """Sends every text in every field of tracking, with the public and the secret key."""

    def __init__(self, brand: Brand, public_key: str) -> None:
        self.brand = brand
        self.url = brand.laurel.url("tracking")
        self.document: Json = brand.tracking.get("/openapi.json").json()
        self.public = brand.laurel.client("tracking", public_key)
        self.accepted: dict[str, int] = {}
        self.fields: set[str] = set()

    def texts(self, *, is_public: bool) -> tuple[str, ...]:
        return (*EMAILS, *NAMES) if is_public else EMAILS

    def send_all(self) -> None:
        for method, path, operation in operations(self.document):
            content = operation.get("requestBody", {}).get("content", {})
            schema = content.get("application/json", {}).get("schema", {})
            self.send_parameters(method, path, operation)
            if path.startswith("/webhooks/"):
                self.send_webhooks()
            elif path == CONNECTION_TEST:
                self.test_webhooks()
            elif path == "/v1/social":
                self.send_counts(path, schema["items"])
            elif schema.get("type") == "array":
                self.send_items(path, schema["items"]["oneOf"])
            elif schema:
                self.send_bodies(path, schema)

    def send_items(self, path: str, kinds: list[Json]) -> None:
        for client in (self.public, self.brand.tracking):
            items = [
                with_text(event_of(name), at, text)
                for kind in kinds
                for name in kind["properties"]["type"]["enum"]
                for at in text_fields(kind, self.document)
                for text in self.texts(is_public=client is self.public)
            ]
            for start in range(0, len(items), 500):
                sent = items[start : start + 500]
                answer = client.post(path, json=sent)
                assert answer.status_code == 202, answer.text
                rejected = {item["index"] for item in answer.json()["rejected"]}
                for index, item in enumerate(sent):
                    self.note(item["type"], is_accepted=index not in rejected)

    def send_counts(self, path: str, schema: Json) -> None:
        """Send each text in each field of a report of counts; a public key may send none."""
        items = [
            with_text(COUNTED, at, text)
            for at in text_fields(schema, self.document)
            for text in self.texts(is_public=False)
        ]
        assert items
        assert self.public.post(path, json=items).status_code == 403
        answer = self.brand.tracking.post(path, json=items)
        assert answer.status_code == 202, answer.text
        self.note(path, is_accepted=answer.json()["accepted"] > 0)

    def send_bodies(self, path: str, schema: Json) -> None:
        for client in (self.public, self.brand.tracking):
            for at in text_fields(schema, self.document):
                self.fields.add(".".join(map(str, at)))
                for text in self.texts(is_public=client is self.public):
                    answer = client.post(path, json=with_text(BODIES[path], at, text))
                    assert answer.status_code in (202, 403, 422), answer.text
                    self.note(path, is_accepted=answer.status_code == 202)

    def send_parameters(self, method: str, path: str, operation: Json) -> None:
        """Send each text as each parameter, and in the headers that every request may have."""
        bare = path.replace("{code}", "text-probe").replace("{vendor}", "shopify")
        headers = ("Idempotency-Key", "X-Request-Id", "User-Agent", "Referer", "Cookie")
        for text in self.texts(is_public=True):
            spelled = quote(text, safe="")
            for parameter in operation.get("parameters", ()):
                target, query = bare, {}
                if parameter["in"] == "path":
                    target = path.replace("{" + parameter["name"] + "}", spelled)
                elif parameter["in"] == "query":
                    query = {parameter["name"]: text}
                answer = self.public.request(method, target, params=query)
                assert answer.status_code < 500, answer.text
                if query:
                    self.note(path, is_accepted=answer.status_code < 400)
            for name in headers:
                value = f"lvid={spelled}" if name == "Cookie" else spelled
                body: list[Json] | None = [] if method == "post" else None
                answer = self.public.request(method, bare, json=body, headers={name: value})
                assert answer.status_code < 500, answer.text

    def send_webhooks(self) -> None:
        """Send the vendor's samples with each text in place of each of their texts."""
        for name, topic, payload in deliveries():
            answer = self.brand.shopify(topic, payload)
            assert answer.status_code == 200, answer.text
            self.note(f"webhook {name}", is_accepted=answer.json()["accepted"])

    def test_webhooks(self) -> None:
        """Test some of these deliveries, as many as a key may a minute; nothing is kept."""
        path = CONNECTION_TEST.format(connection_id=self.brand.connection["id"])
        told = list(deliveries())
        for _, topic, payload in told[:: -(-len(told) // TESTS_A_MINUTE)]:
            headers = {"X-Shopify-Topic": topic}
            answer = self.brand.tracking.post(path, json=payload, headers=headers)
            assert answer.status_code == 200, answer.text

    def note(self, what: str, *, is_accepted: bool) -> None:
        self.accepted[what] = self.accepted.get(what, 0) + is_accepted


def deliveries() -> Iterator[tuple[str, str, Any]]:
    """Yield name, topic and body of each sample, with each text in place of each of its texts."""
    folder = Path(services.tracking.adapters.shopify.__file__).parent / "samples"
    for name, topic in (("order", "orders/create"), ("refund", "refunds/create")):
        sample = json.loads((folder / f"{name}.json").read_text())
        sample |= {"checkout_token": "c" * 16, "landing_site_ref": "x", "note": "x"}
        for at in leaves(sample):
            for text in EMAILS:
                yield name, topic, replaced(sample, at, text)


def leaves(value: Any, at: Path_ = ()) -> Iterator[Path_]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from leaves(inner, (*at, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from leaves(inner, (*at, index))
    else:
        yield at


def replaced(value: Any, at: Path_, text: str) -> Any:
    if not at:
        return text
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    copy[at[0]] = replaced(value[at[0]], at[1:], text)
    return copy


def spellings(word: str) -> set[str]:
    """Return a word as it may stand in a file or a column: plain, escaped, encoded, in bytes."""
    found = {word, word.upper(), word.title()}
    for plain in tuple(found):
        found.add("".join(f"%{ord(letter):02X}" for letter in plain))
        found.add("".join(f"&#{ord(letter)};" for letter in plain))
        found.add("".join(chr(ord(letter) + 0xFEE0) for letter in plain))
        # What base64 makes of the word does not depend on its neighbours but at its ends.
        for shift in range(3):
            coded = base64.b64encode(b"x" * shift + plain.encode()).decode()
            found.add(coded[4 if shift else 0 : -4])
    # A shorter one would be found in random bytes.
    return {text for text in found if len(text) >= len("zaphod")}


NEEDLES: Final = tuple({text for word in WORDS for text in spellings(word)})


def in_files(folder: Path) -> list[str]:
    """Return the files under a folder that hold a needle: journal, snapshots and output."""
    found = []
    for path in folder.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            found += [f"{path.name}: {text}" for text in NEEDLES if text.encode() in data]
    return found


async def in_tables(url: str) -> list[str]:
    """Return the rows of all tables that hold a needle. A column of bytes is shown as hex."""
    shown = [*NEEDLES, *(text.encode().hex() for text in NEEDLES)]
    pattern = "|".join(re.escape(text) for text in shown)
    connection = await connect(url)
    try:
        tables = await connection.fetch(
            "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables"
            " WHERE schemaname IN ('log', 'attribution', 'roi')"
        )
        found = []
        for table in tables:
            rows = await connection.fetch(
                f"SELECT t::text FROM {table['name']} AS t WHERE t::text ~ $1 LIMIT 3", pattern
            )
            found += [f"{table['name']}: {row[0][:600]}" for row in rows]
        assert len(tables) > 20
        return found
    finally:
        await connection.close()


def test_no_name_and_no_address_is_stored_anywhere(installation: Installation) -> None:
    brand = Brand.in_new_workspace(installation, "private-texts")
    creator = brand.create("creators", name="Mia")
    brand.create(
        "links", creator_id=creator["id"], destination="https://shop.example", code="text-probe"
    )
    public_key = brand.create("keys", name="page", public=True)["key"]
    brand.click("text-probe")

    def is_known() -> bool | None:
        answer = httpx.post(
            f"{installation.url('tracking')}/v1/events",
            json=[],
            headers={"Authorization": f"Bearer {public_key}"},
        )
        return True if answer.status_code == 202 else None

    eventually(is_known, what="tracking knows the public key")
    sender = Sender(brand, public_key)
    sender.send_all()
    # The same order with another content becomes a dead letter.
    for net in ("1.00", "2.00"):
        brand.order(EMAIL, occurred_at=MOMENT, net=net, currency="EUR")
    in_journal = in_files(installation.folder)
    brand.order("last-1", occurred_at=MOMENT, net="1.00", currency="EUR")
    eventually(lambda: brand.explanation("last-1"), seconds=120, what="everything is decided")
    dead = brand.attribution.get("/v1/dead-letters").json()["items"]
    assert [item for item in dead if item["reason"] == "idempotency_conflict"]
    silent = [name for name, count in sender.accepted.items() if count == 0]
    assert silent == [], "nothing of these calls was accepted, so they were not tested"
    assert {"order_id", "person.customer_id", "person.email", "codes.0"} <= sender.fields
    assert set(sender.accepted) >= {*ITEMS, *BODIES, "/v1/social", "/{code}", "webhook order"}
    assert in_journal == []
    assert in_files(installation.folder) == []
    assert asyncio.run(in_tables(installation.extra["LAUREL_DATABASE_URL"])) == []


def test_an_order_id_with_an_address_still_names_one_order(installation: Installation) -> None:
    brand = Brand.in_new_workspace(installation, "address-as-order-id")
    at = EMAIL.replace("@", "%40")
    brand.order(EMAIL, occurred_at=MOMENT, net="49.90", currency="EUR")
    refund = {"order_id": at, "adjustment_id": EMAIL, "kind": "refund", "amount": "9.90"}
    answer = brand.tracking.post(
        "/v1/adjustments", json={**refund, "currency": "EUR", "occurred_at": MOMENT}
    )
    assert answer.status_code == 202

    def refunded() -> Json | None:
        found = brand.explanation(f" {EMAIL} ")
        return found if found and found["net"]["amount_minor"] == 4000 else None

    found = eventually(refunded, what="the refund meets its order")
    for asked in (at, EMAIL.replace("@", "\uff20")):
        other = brand.explanation(asked)
        assert other is not None
        assert other["revisions"] == found["revisions"]
    assert brand.explanation(EMAIL.upper()) is None
