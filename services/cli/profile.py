"""How a command reaches a running Laurel: addresses and a key, or the owner's database log-in.

Promise: what is missing or does not answer is said in one sentence with what to do next. A key to
another workspace than the admin key's is derived from the secret key and made in the database, so
it is stored nowhere and works in every terminal that finds the data folder.

What can go wrong: `ConfigurationError` without a key or a database, `Unreachable` when a service
does not answer, `Refused` when it answers with a problem. All are `LaurelError`s whose text is
meant for a person.
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
    """The addresses, and a key: the setting's, the data folder's, or the command line's own."""
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
    """The owner's URL and the secret key that the services' log-ins are derived from."""

    url: str
    secret_key: str


def find_owner(settings: Settings) -> Owner:
    """From LAUREL_DATABASE_URL and LAUREL_SECRET_KEY, else from a running Laurel's data folder."""
    folder = DataFolder(settings.data_dir)
    secret_key = folder.secret_key(settings, create=False)
    if settings.database_url is None:
        return Owner(_embedded_url(folder), _required(secret_key, folder))
    return Owner(settings.database_url.get_secret_value(), _required(secret_key, folder))


def _embedded_url(folder: DataFolder) -> str:
    found = postgres_folder.find(folder.path)
    if not (found.sockets / postgres_folder.SOCKET_NAME).exists():
        raise ConfigurationError(
            f"no database: LAUREL_DATABASE_URL is not set and no Laurel runs on {folder.path}."
            " Start it with `laurel run` (which also migrates), or set LAUREL_DATABASE_URL"
        )
    return found.owner_url


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
    """The addresses, and an admin key of the named workspace; needs the owner's log-in.

    `create` makes a workspace that is new; without it, an unknown name is a `ConfigurationError`.
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
    """The profile of a named workspace, else of the admin key."""
    if workspace is None:
        return load_profile(settings)
    return await open_workspace(settings, workspace, clock)


# --- the API -------------------------------------------------------------------------------------


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
        text += (
            ". Is it a key of this installation? Set LAUREL_ADMIN_KEY to one, or LAUREL_DATA_DIR to"
            " its data folder"
        )
    return text
