"""Every example of the OpenAPI documents, sent to running services, gets its documented success.

The ids in the examples stand for a kind of object (`shared.api.openapi.example_id`): the id of the
object that the example of its creation made is put there. A webhook's example is signed with the
secret of the connection's example.
"""

import base64
import hmac
import json
from typing import Any, Final

import httpx
import pytest

from shared.api.openapi import EXAMPLE_KINDS, example_id
from tests.contract.test_described import WITH_BODY, Json, example_body, example_value, operations
from tests.e2e.installation import Brand, Installation, eventually

pytestmark = pytest.mark.xdist_group("installation")

# Referenced objects come first. An archived object can no longer be referenced.
METHODS: Final = ("post", "get", "patch", "put", "delete")
ORDER: Final = EXAMPLE_KINDS
PATHS: Final = {f"/v1/{kind}s": kind for kind in ORDER} | {
    "/v1/policies": "policy",
    "/v1/imports/{what}": "import",
}


def test_every_example_works_as_documented(installation: Installation) -> None:
    brand = Brand.in_new_workspace(installation, "examples")
    sender = Sender(brand)
    sender.send_all("roi", ("post", "get", "patch", "put"))
    eventually(sender.reached, what="tracking knows the example's link, code and connection")
    sender.send_all("tracking", METHODS)
    eventually(sender.credited, what="the example's order is credited")
    sender.send_all("attribution", METHODS)
    sender.send_all("roi", ("delete",))
    assert sender.sent == sender.documented
    assert len(sender.sent) > 50


class Sender:
    """Send examples, with the ids of real objects in place of the example ids."""

    def __init__(self, brand: Brand) -> None:
        self.clients = {
            "tracking": brand.tracking,
            "attribution": brand.attribution,
            "roi": brand.roi,
        }
        self.documents: dict[str, Json] = {
            service: client.get("/openapi.json").json() for service, client in self.clients.items()
        }
        self.documented = {
            (service, method, path)
            for service, document in self.documents.items()
            for method, path, _ in operations(document)
        }
        self.sent: set[tuple[str, str, str]] = set()
        self.real: dict[str, str] = {}

    def send_all(self, service: str, methods: tuple[str, ...]) -> None:
        """Send the examples of these methods; referenced objects are created first."""
        found = [item for item in operations(self.documents[service]) if item[0] in methods]
        for method, path, operation in sorted(
            found, key=lambda item: (methods.index(item[0]), rank(item[1]))
        ):
            self.send(service, method, path, operation)

    def send(self, service: str, method: str, path: str, operation: Json) -> None:
        answer = self.answered(service, method, path, operation)
        told = f"{method} {path}: {answer.status_code} {answer.text[:500]}"
        assert answer.status_code < 400, told
        assert str(answer.status_code) in operation["responses"], told
        self.sent.add((service, method, path))
        if service == "roi" and method == "post" and path in PATHS:
            self.real[example_id(PATHS[path])] = answer.json()["id"]

    def answered(self, service: str, method: str, path: str, operation: Json) -> httpx.Response:
        values = {
            (parameter["in"], parameter["name"]): self.with_real_ids(example_value(parameter))
            for parameter in operation.get("parameters", ())
            if example_value(parameter) is not None
        }
        address = path
        for (place, name), value in values.items():
            if place == "path":
                address = address.replace("{" + name + "}", value)
        query = {name: value for (place, name), value in values.items() if place == "query"}
        content = None
        headers: dict[str, str] = {}
        if method in WITH_BODY:
            body = self.with_real_ids(example_body(self.documents[service], operation))
            content = json.dumps(body)
            headers = {"Content-Type": "application/json"}
        if path.startswith("/webhooks/"):
            headers |= self.signature(content or "")
        return self.clients[service].request(
            method, address, params=query, content=content, headers=headers
        )

    def with_real_ids(self, value: Any) -> Any:
        text = json.dumps(value)
        for example, real in self.real.items():
            text = text.replace(example, real)
        return json.loads(text)

    def signature(self, body: str) -> dict[str, str]:
        """Return the headers of a delivery signed with the secret of the example."""
        operation = self.documents["roi"]["paths"]["/v1/connections"]["post"]
        connection = example_body(self.documents["roi"], operation)
        digest = hmac.digest(connection["secret"].encode(), body.encode(), "sha256")
        return {
            "X-Shopify-Hmac-Sha256": base64.b64encode(digest).decode(),
            "X-Shopify-Topic": "orders/create",
            "X-Shopify-Shop-Domain": connection["shop_domain"],
        }

    def reached(self) -> bool | None:
        """Return whether tracking knows the link. The connection was created before it."""
        document = self.documents["tracking"]["paths"]["/{code}"]["get"]["parameters"][0]
        answer = self.clients["tracking"].head("/" + example_value(document))
        return answer.status_code == 302 or None

    def credited(self) -> bool | None:
        """Return whether attribution has decided the order of the example."""
        operation = self.documents["attribution"]["paths"]["/v1/explanations"]["get"]
        answer = self.answered("attribution", "get", "/v1/explanations", operation)
        return answer.is_success or None


def rank(path: str) -> int:
    """Return the position of the kind of an object; other calls come last."""
    kind = next((kind for prefix, kind in PATHS.items() if path.startswith(prefix)), None)
    return len(ORDER) if kind is None else ORDER.index(kind)
