"""The composition root of the dashboard: the client to the services, and the pages.

Promise: it starts and answers while the services are away; a page then says which one does not
answer. It is ready as soon as it listens, because it has no part of its own to wait for.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any, Final

import httpx
from fastapi import FastAPI

from services.dashboard import pages
from services.dashboard.client.api import TIMEOUT_SECONDS
from services.dashboard.client.dictionary import Dictionary
from services.dashboard.layout.assets import assets
from services.dashboard.layout.frame import MenuEntry
from services.dashboard.layout.parts_of import Parts
from services.dashboard.session.sessions import Sessions
from services.dashboard.session.sign_in_links import SignInLinks
from services.dashboard.settings import DashboardSettings
from shared.api.app import create_app
from shared.clock import Clock, SystemClock
from shared.extensions import folder_names
from shared.http.health import Health
from shared.http.server import serve
from shared.sealing import Sealer
from shared.telemetry import configure_logging

SERVICE: Final = "dashboard"
DOES: Final = "Shows what creators earned and cost, as pages for people."
# Pages ask up to ten panels at once; a few people look at the same time.
CONNECTIONS_MAX: Final = 40
# The file of an import is at most 192 KiB, and a form has little else.
BODY_BYTES_MAX: Final = 786_432


@asynccontextmanager
async def running_dashboard(settings: DashboardSettings, clock: Clock) -> AsyncIterator[FastAPI]:
    """Yield the app to serve, with an open client."""
    limits = httpx.Limits(max_connections=CONNECTIONS_MAX)
    async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS, limits=limits) as http:
        yield build_app(settings, clock, http)


async def serve_dashboard(settings: DashboardSettings) -> None:
    """Serve until the process gets a signal."""
    configure_logging(SERVICE)
    async with running_dashboard(settings, SystemClock()) as app:
        await serve(app, settings.host, settings.port)


def build_app(settings: DashboardSettings, clock: Clock, http: httpx.AsyncClient) -> FastAPI:
    """Return the app with all pages."""
    sealer = Sealer(settings.require_secret_key()).session_sealer()
    is_secure = (settings.short_url or "").startswith("https://")
    found = page_modules()
    app = create_app(
        service=SERVICE,
        does=DOES,
        lifespan=None,
        health=Health(),
        body_bytes_max=BODY_BYTES_MAX,
        routers=[module.router for module in found],
    )
    assets()  # read once, before the first request
    app.state.menu = menu_of(found)
    app.state.parts = Parts(
        clock=clock,
        http=http,
        bases=settings.api_bases,
        short_base=settings.short_base,
        sessions=Sessions(sealer, clock, is_secure=is_secure),
        links=SignInLinks(sealer, clock),
        dictionary=Dictionary(),
    )
    return app


def page_modules() -> Sequence[Any]:
    """Return the module of each page, in the order of their folders' names."""
    names = folder_names(pages.__name__)
    return [import_module(f"{pages.__name__}.{name}.page") for name in names]


def menu_of(modules: Sequence[Any]) -> Sequence[MenuEntry]:
    """Return the entries of the menu in their order."""
    entries = [module.MENU for module in modules if hasattr(module, "MENU")]
    return sorted(entries, key=lambda entry: entry.place)
