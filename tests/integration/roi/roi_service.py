"""A running roi service for tests: real Postgres, real HTTP, own workspaces and keys.

Promise: `roi_running` serves what a deployment serves, with relay and fold, on the log in Postgres.
`BrandClient` is one workspace with an admin key and sends HTTP requests. Workspaces share a
database, so every test creates its own.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx

from services.roi.app import Outside, running_roi
from services.roi.bootstrap import create_key, ensure_workspace
from services.roi.settings import RoiSettings
from shared.catalog import AnyCatalogRecord, decode_catalog
from shared.clock import Clock, SystemClock
from shared.db.engine import Database
from shared.db.roles import service_url
from shared.log.port import EventLog
from shared.log.postgres import PostgresLog
from shared.log.topics import CATALOG
from tests.fixtures.http import running
from tests.fixtures.postgres import SECRET_KEY

SHORT_URL = "https://go.example"


# A wait of the tests, not a promise. The README shows the delay of a change: it sleeps one second.
PATIENCE_SECONDS = 90.0


@dataclass(frozen=True, slots=True)
class RoiService:
    """One running roi service."""

    url: str
    database: Database
    log: EventLog
    clock: Clock

    async def brand(
        self, http: httpx.AsyncClient, scopes: Sequence[str] = ("admin",)
    ) -> "BrandClient":
        """Create a workspace with one key."""
        name = f"brand {uuid.uuid4().hex}"
        workspace_id = await ensure_workspace(self.database, self.clock, name)
        brand = BrandClient(self, http, workspace_id, "")
        return await brand.with_key(scopes)


@dataclass(frozen=True, slots=True)
class BrandClient:
    """A client of one workspace with one key."""

    roi: RoiService
    http: httpx.AsyncClient
    workspace_id: str
    key: str

    async def with_key(self, scopes: Sequence[str]) -> "BrandClient":
        """Return a client of the same workspace with another key."""
        key = await create_key(
            self.roi.database,
            self.roi.clock,
            self.workspace_id,
            key=None,
            scopes=scopes,
            public=False,
            name="test",
        )
        return replace(self, key=key)

    async def call(
        self, method: str, path: str, json: Any = None, **options: Any
    ) -> httpx.Response:
        """Send one request with the client's key."""
        headers = {"Authorization": f"Bearer {self.key}"} | options.pop("headers", {})
        if json is not None:
            options["json"] = json
        return await self.http.request(method, self.roi.url + path, headers=headers, **options)

    async def ok(self, method: str, path: str, json: Any = None, **options: Any) -> Any:
        """Return the JSON of a request that must succeed."""
        response = await self.call(method, path, json, **options)
        assert response.is_success, f"{method} {path}: {response.status_code} {response.text}"
        return response.json()

    async def post(self, path: str, json: Any, **options: Any) -> Any:
        """Return the created object; the status must be 201."""
        response = await self.call("POST", path, json, **options)
        assert response.status_code == 201, response.text
        return response.json()

    async def refused(self, method: str, path: str, json: Any = None, **options: Any) -> "Refusal":
        """Return the problem of a request that must be refused."""
        response = await self.call(method, path, json, **options)
        assert response.status_code >= 400, response.text
        assert response.headers["content-type"] == "application/problem+json"
        body = response.json()
        return Refusal(
            response.status_code,
            body["detail"],
            {error["field"]: error["message"] for error in body["errors"]},
        )

    async def published(
        self, done: Callable[[dict[str, AnyCatalogRecord]], bool]
    ) -> dict[str, AnyCatalogRecord]:
        """Return the newest catalog record of each entity once `done` holds, or time out."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                found = newest(await self.records())
                if done(found):
                    return found
                await asyncio.sleep(0.01)

    async def records(self) -> list[AnyCatalogRecord]:
        """Return every catalog record of this workspace in log order."""
        reader = await self.roi.log.reader(CATALOG, group=None)
        low, ends = (
            await self.roi.log.low_offsets(CATALOG),
            await self.roi.log.end_offsets(CATALOG),
        )
        found: list[AnyCatalogRecord] = []
        try:
            for partition in await reader.assignment():
                await reader.seek(partition, low[partition])
                position = low[partition]
                while position < ends[partition]:
                    batch = await reader.fetch(records_max=1000, wait_ms=100)
                    if not batch:
                        break
                    position = batch[-1].next_offset
                    found += [decode_catalog(record.value) for record in batch]
        finally:
            await reader.close()
        return [record for record in found if record.workspace_id == self.workspace_id]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A problem: its status, its detail, and the message of each field."""

    status: int
    detail: str
    errors: dict[str, str]


def newest(records: Sequence[AnyCatalogRecord]) -> dict[str, AnyCatalogRecord]:
    """Return the greatest revision of each entity, as readers of the topic keep it."""
    kept: dict[str, AnyCatalogRecord] = {}
    for record in records:
        if record.id not in kept or kept[record.id].revision <= record.revision:
            kept[record.id] = record
    return kept


@asynccontextmanager
async def roi_running(
    owner_url: str, *, clock: Clock | None = None, settings: dict[str, str] | None = None
) -> AsyncIterator[RoiService]:
    """Run the roi service for the block."""
    wall = SystemClock()
    url = service_url(owner_url, "roi", SECRET_KEY)
    database = Database(url, application_name="test-roi", pool_size=8)
    log = PostgresLog(url, wall)
    environ = {
        "LAUREL_SECRET_KEY": SECRET_KEY,
        "LAUREL_SHORT_URL": SHORT_URL,
        **(settings or {}),
    }
    outside = Outside(database, log, clock or wall)
    async with running_roi(RoiSettings.load(environ), outside) as app, running(app) as base:
        yield RoiService(base, database, log, outside.clock)


@asynccontextmanager
async def brand_running(owner_url: str) -> AsyncIterator[BrandClient]:
    """Run a roi service with one workspace, and return its client."""
    async with roi_running(owner_url) as roi, httpx.AsyncClient(timeout=PATIENCE_SECONDS) as http:
        yield await roi.brand(http)
