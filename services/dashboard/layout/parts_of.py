"""The parts that pages share: sessions, the clock, and the client to the services."""

from collections.abc import Mapping
from dataclasses import dataclass

import httpx
from starlette.requests import Request

from services.dashboard.client.dictionary import Dictionary
from services.dashboard.session.sessions import Sessions
from services.dashboard.session.sign_in_links import SignInLinks
from shared.clock import Clock


@dataclass(frozen=True, slots=True)
class Parts:
    """`bases` are the base URLs of the services; `short_base` is that of short links."""

    clock: Clock
    http: httpx.AsyncClient
    bases: Mapping[str, str]
    short_base: str
    sessions: Sessions
    links: SignInLinks
    dictionary: Dictionary


def parts_of(request: Request) -> Parts:
    """Return the parts of the app that answers a request."""
    parts: Parts = request.app.state.parts
    return parts
