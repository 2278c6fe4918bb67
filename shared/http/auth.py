"""Keys and scopes: who is calling, and whether the key may do this.

Promise: no key or an unknown one is 401, a key without the scope 403, both as problems that reveal nothing else. Only a
key's SHA-256 is ever looked up or kept. `admin` includes every scope.

What can go wrong: the look-up raises `Transient` when its store is away; the answer is then 503.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from shared.http.problems import Problem
from shared.ids import api_key_digest, is_api_key

SCOPES: Final = ("track", "read", "write", "admin", "collect")

# Only declares the scheme in the OpenAPI document; the header itself is read below, strictly.
_BEARER: Final = HTTPBearer(
    auto_error=False, description="`lrl_sec_…` or, for collecting, `lrl_pub_…`"
)


@dataclass(frozen=True, slots=True)
class Principal:
    """The key behind a request: its one workspace and what it may do. No `origins` means any origin."""

    workspace_id: str
    key_id: str
    scopes: frozenset[str]
    public: bool = False
    origins: tuple[str, ...] = ()

    def may(self, scope: str) -> bool:
        """Whether the key has the scope, by name or through `admin`."""
        return scope in self.scopes or "admin" in self.scopes


Lookup = Callable[[bytes], Awaitable[Principal | None]]
Dependency = Callable[..., Awaitable[Principal]]


def key_hash(secret: str) -> bytes:
    """SHA-256 of a key, as stored (a key has 190 random bits, so a slow hash would add nothing)."""
    return api_key_digest(secret)


def authorize(lookup: Lookup) -> Callable[[str], Dependency]:
    """The service's `require`: `Depends(require("read"))` gives the `Principal` or answers 401 or 403."""

    def require(scope: str) -> Dependency:
        if scope not in SCOPES:
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
            return principal

        return dependency

    return require


def check(principal: Principal, scope: str, origin: str | None) -> None:
    """Answer 403 unless the key has the scope and, for a key bound to origins, the page may use it."""
    if not principal.may(scope):
        raise Problem(403, None, f"this needs a key with scope {scope}")
    if principal.origins and origin is not None and origin not in principal.origins:
        raise Problem(403, None, "the key does not allow this origin")


def unauthorized(detail: str) -> Problem:
    """401 with the challenge that HTTP asks for."""
    return Problem(401, None, detail, (), {"WWW-Authenticate": "Bearer"})


def bearer_token(values: Sequence[str]) -> str:
    """The key in a request's `Authorization` headers, of which there has to be one; else 401."""
    if len(values) != 1:
        raise unauthorized("send the key as Authorization: Bearer lrl_sec_…")
    scheme, _, token = values[0].partition(" ")
    # A text that is no key at all never costs a look-up.
    if scheme.lower() != "bearer" or not is_api_key(token.strip()):
        raise unauthorized("send the key as Authorization: Bearer lrl_sec_…")
    return token.strip()
