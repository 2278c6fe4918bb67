"""A broker, a brand with its catalog, and running tracking processes for the tests of this folder.

Promise: HTTP and the journal in a temporary folder are real. Only the log is in memory, so that a
test can start and end its outages.
"""

import asyncio
import base64
import hmac
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from services.tracking.app import Tracking
from services.tracking.settings import TrackingSettings
from shared.catalog import (
    AnyCatalogRecord,
    ApiKey,
    Code,
    CodePeriod,
    Connection,
    Link,
    LinkPeriod,
    Store,
    Workspace,
    encode_catalog,
)
from shared.clock import SystemClock
from shared.events import AnyEvent, decode_event
from shared.ids import MAIN_STORE, ClickSigner, api_key_hash, main_store_id, new_id
from shared.log.memory import MemoryBroker, MemoryLog
from shared.log.port import Record
from shared.log.topics import ALL, CATALOG, EVENTS
from shared.sealing import Sealer, new_api_key
from tests.fixtures.http import running

SECRET_KEY = "a secret of these tests only"
SHOP_SECRET = "hush"
OLD_SHOP_SECRET = "hush, but older"
SHOP_DOMAIN = "mia.myshopify.com"
DESTINATION = "https://shop.example/p?x=1#top"


class Brand:
    """One workspace with a link, a connection and keys; ids are new in every test."""

    def __init__(self) -> None:
        self.clock = SystemClock()
        self.sealer = Sealer(SECRET_KEY)
        self.signer = ClickSigner(self.sealer.click_key())
        self.workspace_id = new_id()
        self.link_id = new_id()
        self.connection_id = new_id()
        self.secret_key = new_api_key(public=False)
        self.public_key = new_api_key(public=True)
        self.read_key = new_api_key(public=False)

    def records(self) -> list[AnyCatalogRecord]:
        """Return the catalog of this brand."""
        return [
            Workspace(
                id=self.workspace_id, name="main", time_zone="UTC", currency="EUR", **self.common()
            ),
            self.key(self.secret_key, "track"),
            self.key(self.read_key, "read"),
            self.key(self.public_key, "collect", public=True, origins=("https://shop.example",)),
            self.link(),
            Code(
                id=new_id(),
                code="MIA10",
                periods=(CodePeriod(creator_id=new_id(), placement_id=new_id()),),
                **self.common(),
            ),
            Connection(
                id=self.connection_id,
                kind="shopify",
                sealed_secrets=tuple(
                    self.sealer.seal(secret, self.connection_id)
                    for secret in (SHOP_SECRET, OLD_SHOP_SECRET)
                ),
                shop_domain=SHOP_DOMAIN,
                **self.common(),
            ),
        ]

    def common(self, revision: int = 1) -> dict[str, Any]:
        """Return the fields that every record has."""
        return {
            "workspace_id": self.workspace_id,
            "revision": revision,
            "recorded_at": self.clock.now(),
        }

    def link(self, code: str = "Mia", revision: int = 1, **fields: Any) -> Link:
        """Return a link; `fields` override its fields."""
        given: dict[str, Any] = {
            "id": self.link_id,
            "code": code,
            "destination": DESTINATION,
            "periods": (LinkPeriod(placement_id=new_id()),),
        }
        return Link(**{**given, **fields}, **self.common(revision))

    def store(self, store_id: str | None = None, name: str = MAIN_STORE, **fields: Any) -> Store:
        """Return a store, by default the first one."""
        own = store_id or main_store_id(self.workspace_id)
        given = {"revision": 1} | fields
        return Store(id=own, name=name, **self.common() | given)

    def connection(self, **fields: Any) -> Connection:
        """Return the record of another connection with the secrets of the first one."""
        connection_id = new_id()
        sealed = tuple(self.sealer.seal(secret, connection_id) for secret in (SHOP_SECRET,))
        return Connection(
            id=connection_id, kind="shopify", sealed_secrets=sealed, **fields, **self.common()
        )

    def key(self, key: str, scope: Any, **fields: Any) -> ApiKey:
        """Return the record of an API key of this brand."""
        return ApiKey(
            id=new_id(), sha256=api_key_hash(key), scopes=(scope,), **fields, **self.common()
        )

    def bearer(self, key: str | None = None) -> dict[str, str]:
        """Return the header of a caller with that key, by default the secret key."""
        return {"Authorization": f"Bearer {key or self.secret_key}"}


class World:
    """A broker, a brand and a data folder, for several tracking processes in turn."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.brand = Brand()
        self.broker = MemoryBroker(self.brand.clock)

    async def publish(self, *records: AnyCatalogRecord) -> None:
        """Append records to the catalog topic."""
        log = MemoryLog(self.broker)
        await log.ensure_topics(ALL)
        batch = [Record(r.id.encode(), encode_catalog(r)) for r in records]
        await log.append(CATALOG, batch)

    def tracking(self, **options: Any) -> Tracking:
        """Return a process that is not running yet."""
        settings = TrackingSettings.load(
            {"LAUREL_DATA_DIR": str(self.folder), "LAUREL_SECRET_KEY": SECRET_KEY}
            | options.pop("environ", {})
        )
        log = MemoryLog(self.broker, timeout_seconds=1.0)
        return Tracking(settings, log, self.brand.clock, **options)

    @asynccontextmanager
    async def serving(self, **options: Any) -> AsyncIterator["Site"]:
        """Run a process and yield it with a client."""
        tracking = self.tracking(**options)
        async with (
            tracking.running(),
            running(tracking.app, tracking.http) as url,
            httpx.AsyncClient(base_url=url) as client,
        ):
            yield Site(self, tracking, client)

    def events(self) -> list[AnyEvent]:
        """Return all events on the log."""
        return [
            decode_event(record.value)
            for partition, (_, end) in self.broker.offset_ranges(EVENTS).items()
            for record in self.broker.read(EVENTS, partition, 0, end)
        ]


class Site:
    """One running process and an HTTP client of it."""

    def __init__(self, world: World, tracking: Tracking, client: httpx.AsyncClient) -> None:
        self.world = world
        self.tracking = tracking
        self.client = client
        self._markers: set[str] = set()

    async def ready(self) -> None:
        """Wait until the process is ready to serve."""
        await until(lambda: self.tracking.health.ready()[0])

    async def events(self, count: int) -> list[AnyEvent]:
        """Return the events on the log; fail unless there are exactly `count`.

        A marker event is sent first. The journal keeps the order, so when the marker is on the log,
        all earlier events are there, too, and an unexpected one is found.
        """
        marker = f"MARKER{new_id()}".replace("-", "").upper()
        sent = {"type": "referred", "occurred_at": "2026-03-01T12:00:00Z", "code": marker}
        answer = await self.post("/v1/events", [sent])
        assert answer.json()["accepted"] == 1, answer.text
        self._markers.add(marker)
        await until(lambda: marker in {getattr(e, "code", "") for e in self.world.events()})
        found = [e for e in self.world.events() if getattr(e, "code", "") not in self._markers]
        assert len(found) == count, found
        return found

    async def post(self, path: str, body: Any, key: str | None = None) -> httpx.Response:
        """Send a POST with a key."""
        return await self.client.post(path, json=body, headers=self.world.brand.bearer(key))

    async def deliver(self, topic: str, payload: Any, **options: Any) -> httpx.Response:
        """Send a signed Shopify delivery; `headers` override its headers."""
        brand = self.world.brand
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        headers = {
            "X-Shopify-Topic": topic,
            "X-Shopify-Shop-Domain": SHOP_DOMAIN,
            "X-Shopify-Hmac-Sha256": sign(body, options.get("secret", SHOP_SECRET)),
            **options.get("headers", {}),
        }
        path = f"/webhooks/shopify/{options.get('connection_id', brand.connection_id)}"
        return await self.client.post(path, content=options.get("sent", body), headers=headers)


def sign(body: bytes, secret: str) -> str:
    """Return Shopify's signature of a body."""
    return base64.b64encode(hmac.digest(secret.encode(), body, "sha256")).decode()


def free_port() -> int:
    """Return a local TCP port that is free now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


async def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait until a condition is true; fail after `seconds`."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, "the condition never became true"
        await asyncio.sleep(0.01)
