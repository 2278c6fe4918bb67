"""How a command reaches a running Laurel: the three addresses and a key, from the settings or the data folder.

Promise: whatever is missing or does not answer is said in one sentence with what to do next.

What can go wrong: `ConfigurationError` without a key, `Unreachable` when a service does not answer, `Refused` when it answers
with a problem; all are `LaurelError`s whose text is meant for a person.
"""

from dataclasses import dataclass
from typing import Any, Final

import httpx

from services.cli.folder import DataFolder, own_key
from shared.errors import ConfigurationError, Permanent, Transient
from shared.settings import Settings

TIMEOUT_SECONDS: Final = 35.0  # above the services' own longest statement
_ANYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}


class Unreachable(Transient):
    """A service does not answer at all."""


class Refused(Permanent):
    """A service answered with an error; `status` and the problem's own words."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


@dataclass(frozen=True, slots=True)
class Profile:
    """Where Laurel is and what opens it."""

    tracking: str
    attribution: str
    roi: str
    key: str

    def url(self, service: str) -> str:
        """The base address of a service."""
        return {"tracking": self.tracking, "attribution": self.attribution, "roi": self.roi}[
            service
        ]


def service_urls(settings: Settings) -> dict[str, str]:
    """Where this machine finds the three services."""
    host = _ANYWHERE.get(settings.host, settings.host)
    shown = f"[{host}]" if ":" in host else host
    return {
        "tracking": f"http://{shown}:{settings.tracking_port}",
        "attribution": f"http://{shown}:{settings.attribution_port}",
        "roi": f"http://{shown}:{settings.roi_port}",
    }


def load_profile(settings: Settings) -> Profile:
    """The addresses, and the admin key: the setting's, the data folder's, or the command line's own."""
    return Profile(**service_urls(settings), key=_key(settings))


def _key(settings: Settings) -> str:
    if settings.admin_key is not None:
        return settings.admin_key.get_secret_value()
    folder = DataFolder(settings.data_dir)
    kept = folder.admin_key()
    if kept is not None:
        return kept
    secret_key = folder.secret_key(settings, create=False)
    if secret_key is not None:
        return own_key(secret_key)
    raise ConfigurationError(
        f"no key: {folder.path} holds none. Start Laurel with `laurel run`, run this where its data"
        " folder is (LAUREL_DATA_DIR), or set LAUREL_ADMIN_KEY"
    )


class Api:
    """The public API of a running Laurel, as one client of it."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        # Without a key only what needs none can be asked: an empty one would not even be a header.
        headers = {"Authorization": f"Bearer {profile.key}"} if profile.key else {}
        self._client = httpx.AsyncClient(headers=headers, timeout=TIMEOUT_SECONDS)

    async def __aenter__(self) -> "Api":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def call(
        self, method: str, service: str, path: str, *, json: Any = None, params: Any = None
    ) -> Any:
        """The JSON answer of a call that must succeed."""
        response = await self.send(method, service, path, json=json, params=params)
        if response.is_success:
            return response.json()
        raise Refused(response.status_code, _problem(service, response))

    async def get(self, service: str, path: str, **params: Any) -> Any:
        """The JSON answer of a GET; parameters that are None are left out."""
        given = {name: value for name, value in params.items() if value is not None}
        return await self.call("GET", service, path, params=given)

    async def items(self, service: str, path: str) -> list[Any]:
        """All pages of a list."""
        found: list[Any] = []
        cursor = None
        while True:
            page = await self.get(service, path, cursor=cursor, limit=200)
            found += page["items"]
            cursor = page.get("next_cursor")
            if cursor is None:
                return found

    async def send(
        self, method: str, service: str, path: str, *, json: Any = None, params: Any = None
    ) -> httpx.Response:
        """One request; any status is an answer."""
        url = self._profile.url(service) + path
        try:
            return await self._client.request(method, url, json=json, params=params)
        except httpx.TransportError as error:
            raise Unreachable(
                f"{service} does not answer at {self._profile.url(service)} ({_why(error)})."
                " Start Laurel with `laurel run`; `laurel doctor` tells what is missing"
            ) from error


def _why(error: httpx.TransportError) -> str:
    """Without the library's words: nobody there, or nobody in time."""
    return "no answer in time" if isinstance(error, httpx.TimeoutException) else "nobody listens"


def _problem(service: str, response: httpx.Response) -> str:
    """A problem answer in one line: what, which fields, and what to do about a key."""
    try:
        body = response.json()
    except ValueError:
        body = {}
    body = body if isinstance(body, dict) else {}
    said = str(body.get("detail") or body.get("title") or f"status {response.status_code}")
    fields = [f"{item.get('field')}: {item.get('message')}" for item in body.get("errors") or []]
    text = f"{service} answered {response.status_code}: " + "; ".join((said, *fields))
    if response.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        text += ". Is it a key of this installation? Set LAUREL_ADMIN_KEY to one, or LAUREL_DATA_DIR to its data folder"
    return text
