"""Authentication: the API key of a request, its workspace and its scopes.

Promise: a missing or unknown key is answered 401, a key without the scope 403; these problems
reveal nothing else. Only the SHA-256 of a key is looked up. `admin` includes every scope.
What can go wrong: the look-up raises `Transient` if its store is unavailable; the answer is 503.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from shared.http.problems import Problem
from shared.ids import api_key_digest, is_api_key

SCOPES: Final = ("track", "read", "write", "admin", "collect")

# Only for the OpenAPI document; `bearer_token` reads the header itself, strictly.
_BEARER: Final = HTTPBearer(
    auto_error=False, description="`lrl_sec_…` or, for collecting, `lrl_pub_…`"
)


@dataclass(frozen=True, slots=True)
class Principal:
    """The key of a request: its workspace and its scopes. Empty `origins` means any origin."""

    workspace_id: str
    key_id: str
    scopes: frozenset[str]
    public: bool = False
    origins: tuple[str, ...] = ()

    def may(self, scope: str) -> bool:
        """Return whether the key has the scope, by name or through `admin`."""
        return scope in self.scopes or "admin" in self.scopes


Lookup = Callable[[bytes], Awaitable[Principal | None]]
Dependency = Callable[..., Awaitable[Principal]]
Admit = Callable[[Principal], None]


def key_hash(secret: str) -> bytes:
    """Return the SHA-256 of a key, as it is stored."""
    return api_key_digest(secret)


def authorize(lookup: Lookup, admit: Admit | None = None) -> Callable[[str | None], Dependency]:
    """Return `require`: `Depends(require("read"))` gives the `Principal`, or answers 401 or 403.

    `require(None)` takes every valid key, whatever its scopes are.
    `admit` is called with each valid key before its request is read; it may raise a `Problem`.
    """

    def require(scope: str | None) -> Dependency:
        if scope is not None and scope not in SCOPES:
            raise ValueError(f"{scope!r} is not one of {SCOPES}")

        async def dependency(
            request: Request,
            _declared: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)],
        ) -> Principal:
            principal = await lookup(
                key_hash(bearer_token(request.headers.getlist("authorization")))
            )
            if principal is None:
                raise unauthorized("the key is unknown")
            check(principal, scope, request.headers.get("origin"))
            if admit is not None:
                admit(principal)
            return principal

        return dependency

    return require


def check(principal: Principal, scope: str | None, origin: str | None) -> None:
    """Raise a 403 if the key lacks the scope or does not allow the origin of the page."""
    if scope is not None and not principal.may(scope):
        raise Problem(403, None, f"this needs a key with scope {scope}")
    if principal.origins and origin is not None and origin not in principal.origins:
        raise Problem(403, None, "the key does not allow this origin")


def unauthorized(detail: str) -> Problem:
    """Return a 401 with the `WWW-Authenticate` header that RFC 9110 requires."""
    return Problem(401, None, detail, (), {"WWW-Authenticate": "Bearer"})


def bearer_token(values: Sequence[str]) -> str:
    """Return the key in the only `Authorization` header of a request. Raises a 401 otherwise."""
    if len(values) != 1:
        raise unauthorized("send the key as Authorization: Bearer lrl_sec_…")
    scheme, _, token = values[0].partition(" ")
    # A text that has not the form of a key needs no look-up.
    if scheme.lower() != "bearer" or not is_api_key(token.strip()):
        raise unauthorized("send the key as Authorization: Bearer lrl_sec_…")
    return token.strip()
