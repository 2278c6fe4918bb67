"""A brand with any number of links, a tracking process for it, and the requests to it.

Promise: the process is `python -m services.tracking` with its journal on disk. It starts from a
snapshot, so a million links take seconds and no log is needed.
"""

import asyncio
import base64
import hmac
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from services.tracking.store.catalog_memory import Catalog
from services.tracking.store.catalog_snapshot import take_image, write_image
from shared.catalog import (
    AnyCatalogRecord,
    ApiKey,
    Connection,
    Link,
    LinkPeriod,
    Workspace,
    catalog_key,
    encode_catalog,
)
from shared.clock import SystemClock
from shared.ids import api_key_hash, natural_id
from shared.log.kafka import KafkaLog
from shared.log.port import Record
from shared.log.topics import ALL, CATALOG
from shared.sealing import Sealer, new_api_key
from tests.bench.child_processes import (
    SERVER_CORE,
    Child,
    Processes,
    clean_environment,
    free_port,
    wait_until_answers,
)
from tests.bench.wrk import http_request

SECRET_KEY: Final = "the secret key of the bench"
SHOP_SECRET: Final = "the shop's secret of the bench"
SHOP_DOMAIN: Final = "bench.myshopify.com"
REQUESTS: Final = 20_000
LONG_AGO: Final = datetime(2026, 1, 1, tzinfo=UTC)
AGENTS: Final = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15"
    " (KHTML, like Gecko) Mobile/15E148 Instagram 331.0",
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36"
    " (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36"
    " (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15"
    " (KHTML, like Gecko) Version/17.5 Safari/605.1.15",
)
ACCEPT: Final = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@dataclass
class BenchBrand:
    """One workspace with numbered links."""

    links: int
    sealer: Sealer = field(default_factory=lambda: Sealer(SECRET_KEY))
    api_key: str = field(default_factory=lambda: new_api_key(public=False))

    def __post_init__(self) -> None:
        self.workspace_id = _id("workspace", "main")
        self.connection_id = _id("connection", "shop")

    def records(self, first_link: int = 0) -> Iterator[AnyCatalogRecord]:
        """Yield the catalog, with links from a number on."""
        common = self._common
        if first_link == 0:
            yield Workspace(
                id=self.workspace_id, name="main", time_zone="UTC", currency="EUR", **common
            )
            yield ApiKey(
                id=_id("key", "secret"),
                sha256=api_key_hash(self.api_key),
                scopes=("track",),
                **common,
            )
            yield Connection(
                id=self.connection_id,
                kind="shopify",
                sealed_secrets=(self.sealer.seal(SHOP_SECRET, self.connection_id),),
                shop_domain=SHOP_DOMAIN,
                **common,
            )
        period = (LinkPeriod(placement_id=_id("placement", "one")),)
        for number in range(first_link, self.links):
            yield Link(
                id=_id("link", str(number)),
                code=code_of(number),
                destination=(
                    f"https://shop.example/products/summer-{number}"
                    "?utm_source=creator&utm_medium=social"
                ),
                periods=period,
                **common,
            )

    @property
    def _common(self) -> dict[str, Any]:
        return {"workspace_id": self.workspace_id, "revision": 1, "recorded_at": LONG_AGO}

    def write_snapshot(self, data_dir: Path) -> None:
        """Write the snapshot of the catalog that a stopped process leaves."""
        catalog = Catalog(self.sealer)
        for record in self.records():
            catalog.put(record)
        write_image(take_image(catalog, {0: 0}), data_dir / "tracking" / "catalog.snapshot")

    # -- requests -----------------------------------------------------------------------------

    def visits(self, count: int = REQUESTS) -> Iterator[bytes]:
        """Yield visits spread over all links; half of the visitors have a cookie."""
        chance = random.Random(7)
        for number in range(count):
            headers = [("User-Agent", AGENTS[number % len(AGENTS)]), ("Accept", ACCEPT)]
            if number % 2:
                headers.append(("Cookie", f"lvid={chance.randrange(10**20, 10**21)}w"))
            yield http_request("GET", f"/{code_of(chance.randrange(self.links))}", headers)

    def conversions(self, count: int = REQUESTS) -> Iterator[bytes]:
        """Yield distinct orders as the server of a shop reports them."""
        headers = (
            ("Authorization", f"Bearer {self.api_key}"),
            ("Content-Type", "application/json"),
        )
        for number in range(count):
            body = {
                "order_id": f"order-{number}",
                "occurred_at": "2026-11-01T12:00:00Z",
                "net": "49.90",
                "currency": "EUR",
                "person": {
                    "visitor_id": f"visitor-{number}",
                    "email": f"buyer{number}@example.com",
                },
                "codes": ["SUMMER10"],
            }
            yield http_request("POST", "/v1/conversions", headers, json.dumps(body).encode())

    def webhooks(self, count: int = REQUESTS // 4) -> Iterator[bytes]:
        """Yield signed webhooks orders/create of Shopify, each of two kilobytes."""
        for number in range(count):
            body = json.dumps(_shopify_order(number)).encode()
            digest = hmac.digest(SHOP_SECRET.encode(), body, "sha256")
            headers = (
                ("Content-Type", "application/json"),
                ("X-Shopify-Topic", "orders/create"),
                ("X-Shopify-Shop-Domain", SHOP_DOMAIN),
                ("X-Shopify-Hmac-Sha256", base64.b64encode(digest).decode()),
            )
            yield http_request("POST", f"/webhooks/shopify/{self.connection_id}", headers, body)


def start_tracking(
    processes: Processes, name: str, data_dir: Path, log: str
) -> tuple[Child, int, float]:
    """Start the service on its core; return process, port, and seconds until it was ready."""
    port = free_port()
    environment = clean_environment(
        {
            "LAUREL_DATA_DIR": str(data_dir),
            "LAUREL_SECRET_KEY": SECRET_KEY,
            "LAUREL_TRACKING_PORT": str(port),
            "LAUREL_LOG": log,
        }
    )
    child = processes.python(name, "services.tracking", core=SERVER_CORE, environment=environment)
    seconds = wait_until_answers(f"http://127.0.0.1:{port}/health/ready", child)
    return child, port, seconds


def publish(bootstrap: str, records: Iterator[AnyCatalogRecord]) -> None:
    """Append catalog records to Kafka."""
    asyncio.run(_publish(bootstrap, records))


async def _publish(bootstrap: str, records: Iterator[AnyCatalogRecord]) -> None:
    log = KafkaLog(bootstrap, SystemClock(), client_id="bench")
    await log.open()
    try:
        await log.ensure_topics(ALL)
        batch: list[Record] = []
        for record in records:
            batch.append(Record(catalog_key(record), encode_catalog(record)))
            if len(batch) == 5_000:
                await log.append(CATALOG, batch)
                batch = []
        await log.append(CATALOG, batch)
    finally:
        await log.close()


def code_of(number: int) -> str:
    """Return the code of a link, with eight characters as generated codes have."""
    return f"b{number:07d}"


def _id(kind: str, name: str) -> str:
    return natural_id("bench", "edge", kind, name)


def _shopify_order(number: int) -> dict[str, Any]:
    lines = [
        {
            "id": number * 10 + line,
            "title": f"Summer dress {line}",
            "sku": f"DRESS-{line}",
            "quantity": 1,
            "price": "24.95",
            "total_discount": "0.00",
            "properties": [],
            "tax_lines": [{"price": "4.00", "rate": 0.19, "title": "VAT"}],
        }
        for line in range(2)
    ]
    return {
        "id": 5_000_000_000 + number,
        "name": f"#{number}",
        "email": f"buyer{number}@example.com",
        "created_at": "2026-11-01T12:00:00+01:00",
        "processed_at": "2026-11-01T12:00:00+01:00",
        "updated_at": "2026-11-01T12:00:01+01:00",
        "currency": "EUR",
        "taxes_included": False,
        "subtotal_price": "49.90",
        "total_price": "61.38",
        "total_tax": "9.48",
        "financial_status": "paid",
        "landing_site": "/products/summer?utm_source=creator",
        "note_attributes": [],
        "discount_codes": [{"code": "SUMMER10", "amount": "5.00", "type": "percentage"}],
        "customer": {"id": 7_000_000_000 + number, "email": f"buyer{number}@example.com"},
        "line_items": lines,
        "shipping_address": {"city": "Berlin", "country_code": "DE", "zip": "10115"},
        "refunds": [],
    }
