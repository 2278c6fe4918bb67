"""The access of a command to a running Laurel: URLs and a key, or the log-in of the owner.

Promise: an error is one sentence with what to do next. The key to a workspace other than that of
the admin key is derived from the secret key and registered in the database. It is stored nowhere
and works in every terminal that finds the data folder.

What can go wrong: `ConfigurationError` without a key or a database, `Unreachable` when a service
does not answer, `Refused` when it answers with a problem. All are `LaurelError`s.
"""

from dataclasses import dataclass
from typing import Any, Final

import httpx

from services.cli import postgres_folder
from services.cli.data_folder import DataFolder, own_key
from services.cli.startup import OWN_KEY_NAME, AdminKeys
from services.roi import bootstrap
from shared.clock import Clock
from shared.db.engine import Database
from shared.db.roles import service_url
from shared.errors import ConfigurationError, Permanent, Transient
from shared.settings import Settings

TIMEOUT_SECONDS: Final = 35.0  # above the services' own longest statement
_ANYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}


class Unreachable(Transient):
    """A service does not answer."""


class Refused(Permanent):
    """A service answered with an error: its `status`, and the text of the problem.

    `retry_after_seconds` is when it will have room again; None when it did not say so.
    """

    def __init__(self, status: int, text: str, retry_after_seconds: int | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.retry_after_seconds = retry_after_seconds


@dataclass(frozen=True, slots=True)
class Profile:
    """The base URLs of the services, and an API key."""

    tracking: str
    attribution: str
    roi: str
    dashboard: str
    key: str

    def url(self, service: str) -> str:
        """Return the base URL of a service."""
        return {
            "tracking": self.tracking,
            "attribution": self.attribution,
            "roi": self.roi,
            "dashboard": self.dashboard,
        }[service]


def service_urls(settings: Settings) -> dict[str, str]:
    """Return the base URLs of the services as seen from this machine."""
    host = _ANYWHERE.get(settings.host, settings.host)
    shown = f"[{host}]" if ":" in host else host
    return {
        "tracking": f"http://{shown}:{settings.tracking_port}",
        "attribution": f"http://{shown}:{settings.attribution_port}",
        "roi": f"http://{shown}:{settings.roi_port}",
        "dashboard": f"http://{shown}:{settings.dashboard_port}",
    }


def load_profile(settings: Settings) -> Profile:
    """Return the URLs and a key: of the setting, of the data folder, or of the command line."""
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


# --- the owner -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Owner:
    """The URL of the owner, and the secret key from which the log-ins of services follow."""

    url: str
    secret_key: str


def find_owner(settings: Settings) -> Owner:
    """Return the owner by LAUREL_DATABASE_URL and LAUREL_SECRET_KEY, else by the data folder."""
    folder = DataFolder(settings.data_dir)
    secret_key = _required(folder.secret_key(settings, create=False), folder)
    if settings.database_url is None:
        return Owner(_embedded_url(folder, secret_key), secret_key)
    return Owner(settings.database_url.get_secret_value(), secret_key)


def _embedded_url(folder: DataFolder, secret_key: str) -> str:
    found = postgres_folder.find(folder.path)
    if not (found.sockets / postgres_folder.SOCKET_NAME).exists():
        raise ConfigurationError(
            f"no database: LAUREL_DATABASE_URL is not set and no Laurel runs on {folder.path}."
            " Start it with `laurel run` (which also migrates), or set LAUREL_DATABASE_URL"
        )
    return found.owner_url(secret_key)


def _required(secret_key: str | None, folder: DataFolder) -> str:
    if secret_key is None:
        raise ConfigurationError(
            "no secret key: set LAUREL_SECRET_KEY to the one the services have"
            f" ({folder.path} holds none)"
        )
    return secret_key


async def open_workspace(
    settings: Settings, name: str, clock: Clock, *, create: bool = False
) -> Profile:
    """Return the URLs and an admin key of the named workspace, with the log-in of the owner.

    With `create` a new workspace is made; without it an unknown name raises `ConfigurationError`.
    """
    owner = find_owner(settings)
    url = service_url(owner.url, "roi", owner.secret_key)
    database = Database(url, application_name="laurel-workspace", pool_size=1)
    await database.open()
    try:
        if create:
            workspace_id = await bootstrap.ensure_workspace(database, clock, name)
        else:
            workspace_id = await _known_workspace(database, name)
        key = own_key(owner.secret_key, workspace_id)
        if not await AdminKeys(database, clock, workspace_id).ensure(key, OWN_KEY_NAME):
            raise ConfigurationError(f"the key of the command line to {name} was revoked")
    finally:
        await database.close()
    return Profile(**service_urls(settings), key=key)


async def _known_workspace(database: Database, name: str) -> str:
    found = await bootstrap.find_workspace(database, name)
    if found is None:
        raise ConfigurationError(
            f"no workspace {name!r}: `laurel demo` makes `demo`, and"
            f" `laurel keys create --workspace {name}` makes any other"
        )
    return found


async def choose_profile(settings: Settings, workspace: str | None, clock: Clock) -> Profile:
    """Return the profile of the named workspace, else that of the admin key."""
    if workspace is None:
        return load_profile(settings)
    return await open_workspace(settings, workspace, clock)


# --- the API -------------------------------------------------------------------------------------


class Api:
    """A client of the public API of a running Laurel."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        # An empty key would make an invalid header. Calls that need no key work without it.
        headers = {"Authorization": f"Bearer {profile.key}"} if profile.key else {}
        self._client = httpx.AsyncClient(headers=headers, timeout=TIMEOUT_SECONDS)

    async def __aenter__(self) -> "Api":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def call(
        self, method: str, service: str, path: str, *, json: Any = None, params: Any = None
    ) -> Any:
        """Return the JSON of a call that must succeed; raises `Refused` or `Unreachable`."""
        response = await self.send(method, service, path, json=json, params=params)
        if response.is_success:
            return response.json()
        after = response.headers.get("retry-after", "")
        seconds = int(after) if after.isdecimal() else None
        raise Refused(response.status_code, _problem(service, response), seconds)

    async def get(self, service: str, path: str, **params: Any) -> Any:
        """Return the JSON of a GET; parameters that are None are left out."""
        given = {name: value for name, value in params.items() if value is not None}
        return await self.call("GET", service, path, params=given)

    async def items(self, service: str, path: str) -> list[Any]:
        """Return the items of all pages of a list."""
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
        """Send one request and return the response, whatever its status."""
        url = self._profile.url(service) + path
        try:
            return await self._client.request(method, url, json=json, params=params)
        except httpx.TransportError as error:
            raise Unreachable(
                f"{service} does not answer at {self._profile.url(service)} ({_why(error)})."
                " Start Laurel with `laurel run`; `laurel doctor` shows what is missing"
            ) from error


def _why(error: httpx.TransportError) -> str:
    """Return the reason in plain words."""
    return "no answer in time" if isinstance(error, httpx.TimeoutException) else "no listener"


def _problem(service: str, response: httpx.Response) -> str:
    """Return a problem as one line: the detail, the fields, and what to do about a key."""
    try:
        body = response.json()
    except ValueError:
        body = {}
    body = body if isinstance(body, dict) else {}
    said = str(body.get("detail") or body.get("title") or f"status {response.status_code}")
    fields = [f"{item.get('field')}: {item.get('message')}" for item in body.get("errors") or []]
    text = f"{service} answered {response.status_code}: " + "; ".join((said, *fields))
    if response.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        text += (
            ". Is it a key of this installation? Set LAUREL_ADMIN_KEY to one, or LAUREL_DATA_DIR to"
            " its data folder"
        )
    return text
