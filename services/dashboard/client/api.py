"""A client of the public API with the key of a session: each call gives its body or a failure.

Promise: a failure is a value with a sentence, so that a page shows its other panels. Only a key
that works no more is an exception, because then no panel works.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, TypeVar
from urllib.parse import quote

import httpx

from services.dashboard.session.sessions import SignInNeeded

# Above the longest statement of the services, which answer 503 before.
TIMEOUT_SECONDS: Final = 15.0
# A page shows at most so many objects of one list; beyond, it says how to find the others.
LIST_PAGES_MAX: Final = 10
PAGE_ITEMS: Final = 200

Params = Mapping[str, Any]
Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Got:
    """The body of a call that succeeded."""

    body: Any


@dataclass(frozen=True, slots=True)
class Failed:
    """A call that failed: its status (None without an answer), a sentence, and wrong fields."""

    status: int | None
    sentence: str
    fields: Mapping[str, str]


Answer = Got | Failed


class Api:
    """The calls of one session. `bases` are the base URLs by service."""

    def __init__(self, http: httpx.AsyncClient, bases: Mapping[str, str], key: str) -> None:
        self._http, self._bases, self._key = http, bases, key

    async def get(self, service: str, path: str, params: Params | None = None) -> Answer:
        """Return the answer of a GET; parameters that are None are left out."""
        return await self.send("GET", service, path, params=params)

    async def send(
        self,
        method: str,
        service: str,
        path: str,
        *,
        params: Params | None = None,
        json: Any = None,
        content: str | None = None,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> Answer:
        """Send one call. Raises `SignInNeeded` when the key works no more.

        `content` is a body as it is, in the place of `json`.
        """
        given = {name: value for name, value in (params or {}).items() if value is not None}
        try:
            response = await self._http.request(
                method,
                self._bases[service] + path,
                params=given,
                json=json,
                content=content,
                headers={**headers, "Authorization": f"Bearer {self._key}"},
            )
        except httpx.TimeoutException:
            return Failed(None, f"{service} did not answer in time.", {})
        except httpx.TransportError:
            return Failed(None, f"{service} does not answer. Is it running?", {})
        if response.status_code == httpx.codes.UNAUTHORIZED:
            raise SignInNeeded
        if response.is_success:
            return Got(response.json() if response.content else None)
        return _failure(service, response)

    async def redirect_of(self, code: str) -> Answer:
        """Return `{status, location}` of a short link, asked as HEAD, which records nothing."""
        try:
            response = await self._http.head(f"{self._bases['tracking']}/{quote(code, safe='')}")
        except httpx.TransportError:
            return Failed(None, "tracking does not answer. Is it running?", {})
        return Got(
            {"status": response.status_code, "location": response.headers.get("location", "")}
        )

    async def items(self, service: str, path: str, params: Params | None = None) -> Answer:
        """Return all items of a list as one body, up to `LIST_PAGES_MAX` pages."""
        found: list[Any] = []
        asked = {**(params or {}), "limit": PAGE_ITEMS}
        for _ in range(LIST_PAGES_MAX):
            answer = await self.get(service, path, asked)
            if isinstance(answer, Failed):
                return answer
            found += answer.body["items"]
            cursor = answer.body.get("next_cursor")
            if cursor is None:
                break
            asked["cursor"] = cursor
        return Got(found)


def made(answer: Answer, build: Callable[[Any], Made]) -> "Made | Failed":
    """Return what a panel makes of the body of an answer; a failure stays one."""
    return answer if isinstance(answer, Failed) else build(answer.body)


def made_of(build: Callable[..., Made], *answers: Answer) -> "Made | Failed":
    """Return what a panel makes of several bodies; the first failure among them stays one."""
    bodies = []
    for answer in answers:
        if isinstance(answer, Failed):
            return answer
        bodies.append(answer.body)
    return build(*bodies)


async def together(*calls: Awaitable[Answer]) -> Sequence[Answer]:
    """Return the answers of calls that run at once, in their order."""
    return await asyncio.gather(*calls)


def _failure(service: str, response: httpx.Response) -> Failed:
    try:
        body = response.json()
    except ValueError:
        body = {}
    problem = body if isinstance(body, dict) else {}
    fields = {
        str(item.get("field")): str(item.get("message")) for item in problem.get("errors") or ()
    }
    said = problem.get("detail") or problem.get("title") or f"status {response.status_code}"
    if response.status_code == httpx.codes.FORBIDDEN:
        said = f"Your key may not do this: {said}"
    if response.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
        said = f"{service} cannot answer now: {said}"
    return Failed(response.status_code, str(said), fields)
