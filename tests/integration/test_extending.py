"""docs/extending.md, executed: its blocks are added to a copy of the source tree, which starts.

The made-up model, vendor, measure, dimension and metric are found in answers of a real Postgres, in
the OpenAPI documents and on the command line. No file of the copy differs but for the blocks.
"""

import base64
import hmac
import json
import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.e2e.installation import SERVICES, Brand, Installation, Json, by_label, eventually
from tests.fixtures.postgres import PostgresServer
from tests.integration.conftest import own_database, wait_for

pytestmark = pytest.mark.xdist_group("installation")

ROOT: Final = Path(__file__).resolve().parents[2]
PAGE: Final = ROOT / "docs/extending.md"
SOURCE: Final = ("services", "shared", "deploy")
BLOCK: Final = re.compile(
    r'^<!-- ([\w./]+)(?:, after "(.+)")? -->\n```(?:python|text)\n(.*?)^```$',
    re.MULTILINE | re.DOTALL,
)
SECRET: Final = "the secret of acme"
CALLS_TO_ACTION: Final = ("Save", "See the bag", "Swipe up")


def extend(copy: Path) -> list[str]:
    """Write every block of the page into the copy. Return the paths."""
    named = []
    for path, after, code in BLOCK.findall(PAGE.read_text()):
        file = copy / path
        if after:
            text = file.read_text()
            assert text.count(f"{after}\n") == 1, f"{path}: {after!r} is not there once"
            file.write_text(text.replace(f"{after}\n", f"{after}\n{code}"))
        else:
            assert not file.exists(), f"{path} is already there"
            file.parent.mkdir(exist_ok=True)
            file.write_text(code)
        named.append(path)
    return named


@pytest.fixture
def extended(postgres_server: PostgresServer, tmp_path: Path) -> Iterator[Installation]:
    """Yield a running installation of the copy."""
    copy = tmp_path / "copy"
    for folder in SOURCE:
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    assert len(extend(copy)) == 6
    extra = {"LAUREL_DATABASE_URL": own_database(postgres_server), "PYTHONPATH": str(copy)}
    installation = Installation(copy, extra)
    try:
        for service in SERVICES:
            installation.start("run", service)
        wait_for(installation)
        yield installation
    finally:
        installation.stop()


def test_what_the_page_adds_is_found_everywhere(extended: Installation) -> None:
    in_the_openapi_documents(extended)
    brand = Brand.in_new_workspace(extended, "extending")
    placements = sell_by_acme(brand)
    in_the_answers(brand, placements)
    on_the_command_line(extended, brand)


def in_the_openapi_documents(extended: Installation) -> None:
    documents = {
        service: extended.client(service).get("/openapi.json").json() for service in SERVICES
    }
    schemas = documents["roi"]["components"]["schemas"]
    parameters = {
        found["name"]: found for found in documents["roi"]["paths"]["/v1/roi"]["get"]["parameters"]
    }
    assert "middle" in enums(schemas["PolicyBody"]["properties"]["models"])
    assert "middle" in enums(parameters["model"])
    assert "acme" in enums(schemas["ConnectionBody"]["properties"]["kind"])
    assert "acme" in enums(
        documents["tracking"]["paths"]["/webhooks/{vendor}/{connection_id}"]["post"]["parameters"]
    )
    assert "call_to_action" in json.dumps(parameters["group_by"])
    told = schemas["RoiMeasures"]["properties"]["clicks_per_view"]["description"]
    assert "clicks ÷ content_views" in told


def enums(schema: Any) -> set[str]:
    """Return every value of every enum in a schema."""
    if isinstance(schema, list):
        return set().union(*map(enums, schema))
    if not isinstance(schema, dict):
        return set()
    return set(schema.get("enum", ())) | set().union(*map(enums, schema.values()))


def sell_by_acme(brand: Brand) -> dict[str, str]:
    """One visitor clicks three placements and sees one of them twice; Acme reports the order."""
    brand.create("policies", models=["first", "last", "middle"])
    mia = brand.create("creators", name="Mia")
    placements: dict[str, str] = {}
    now = datetime.now(UTC).replace(microsecond=0)
    person = {"visitor_id": "visitor-1"}
    events: list[Json] = []
    for place, words in enumerate(CALLS_TO_ACTION):
        made = brand.create("placements", creator_id=mia["id"], platform="instagram", cta=words)
        link = brand.create(
            "links", placement_id=made["id"], destination="https://shop.example/bag"
        )
        brand.click(link["code"])  # waits until tracking knows the link
        placements[words] = made["id"]
        at = (now - timedelta(minutes=30 - place)).isoformat()
        events.append(
            {"type": "clicked", "link": link["code"], "occurred_at": at, "person": person}
        )
    seen = {"type": "viewed", "placement_id": placements["See the bag"], "person": person}
    events += [
        {**seen, "occurred_at": (now - timedelta(minutes=minutes)).isoformat()}
        for minutes in (50, 40)
    ]
    answer = brand.tracking.post("/v1/events", json=events).raise_for_status().json()
    assert answer == {"accepted": 5, "rejected": []}
    deliver(brand, {"number": "acme-1", "sold_at": now.isoformat(), "goods": "49.90", **VISITOR})
    return placements


VISITOR: Final = {"visitor": "visitor-1"}


def deliver(brand: Brand, payload: Json) -> None:
    """Send a signed delivery of Acme until tracking knows the connection.

    A wrong signature is refused.
    """
    connection = brand.create("connections", kind="acme", secret=SECRET)
    address = f"/webhooks/acme/{connection['id']}"
    body = json.dumps(payload).encode()
    signature = base64.b64encode(hmac.digest(SECRET.encode(), body, "sha256")).decode()

    def sent() -> httpx.Response | None:
        answer = brand.tracking.post(address, content=body, headers={"X-Acme-Signature": signature})
        return None if answer.status_code == 404 else answer

    answer = eventually(sent, what="tracking knows the connection")
    assert answer.status_code == 200, answer.text
    assert answer.json()["accepted"] is True, answer.text
    wrong = brand.tracking.post(address, content=body, headers={"X-Acme-Signature": "AAAA"})
    assert wrong.status_code == 401


def in_the_answers(brand: Brand, placements: dict[str, str]) -> None:
    # Until attribution knows all three links, another of the clicks is in the middle.
    expected = {"middle": {placements["See the bag"]: 4990}, "last": {placements["Swipe up"]: 4990}}
    eventually(
        lambda: {model: brand.credited_to("acme-1", model) for model in expected} == expected,
        what="the middle touch and the last one earned the order",
    )

    def earned() -> Json | None:
        rows = by_label(brand.roi_answer(group_by="call_to_action", model="middle"))
        row = rows.get("See the bag")
        return row if row and row["net_revenue"]["amount_minor"] and row["clicks"] == 2 else None

    row = eventually(earned, what="the order is in the answer")
    assert row["net_revenue"] == {"amount_minor": 4990, "currency": "EUR"}
    assert row["clicks_per_view"] == 1
    listed = brand.roi.get("/v1/metrics").json()["items"]
    (metric,) = [item for item in listed if item["id"] == "clicks_per_view"]
    assert metric["inputs"] == ["clicks", "content_views"]


def on_the_command_line(extended: Installation, brand: Brand) -> None:
    own_key = {"LAUREL_ADMIN_KEY": brand.key, "COLUMNS": "200"}
    explained = extended.command("explain", "acme-1", environment=own_key)
    assert explained.returncode == 0, explained.stdout + explained.stderr
    assert "the middle touch takes all" in explained.stdout
    brand.assert_verified()
