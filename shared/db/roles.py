"""The three database roles: their names, their derived passwords and the address each service logs in with.

Promise: a password is never stored; it is HMAC-SHA256 of the role's name under the secret key, so `laurel migrate` and
the service that logs in compute the same one, and a new secret key heals with the next migrate.

Roles belong to a whole Postgres server: two Laurel databases on one server must share one secret key.
"""

import hashlib
import hmac
from typing import Final

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from shared.errors import ConfigurationError

SERVICES: Final = ("tracking", "attribution", "roi")
_DRIVER: Final = "postgresql+asyncpg"


def role_name(service: str) -> str:
    """The Postgres role that `service` logs in as."""
    if service not in SERVICES:
        raise ValueError(f"{service!r} is not one of {SERVICES}")
    return f"laurel_{service}"


def role_password(service: str, secret_key: str) -> str:
    """The role's password: hexadecimal, so it needs no quoting in SQL and none in a URL."""
    message = b"laurel database role " + role_name(service).encode()
    return hmac.new(secret_key.encode(), message, hashlib.sha256).hexdigest()


def service_url(owner_url: str, service: str, secret_key: str) -> str:
    """The owner's address (TCP or unix socket) with the service's own log-in in place of the owner's."""
    url = driver_url(owner_url).set(
        username=role_name(service), password=role_password(service, secret_key)
    )
    return url.render_as_string(hide_password=False)


def driver_url(url: str) -> URL:
    """Any spelling of a Postgres URL, as SQLAlchemy wants it for asyncpg."""
    try:
        parsed = make_url(url.replace("postgres://", "postgresql://", 1))
    except ArgumentError:
        # The text of a bad URL may hold a password: say what is wrong without it.
        raise ConfigurationError(
            "the database URL must look like postgresql://user:password@host:port/database"
        ) from None
    if parsed.get_backend_name() != "postgresql":
        raise ConfigurationError("the database URL must start with postgresql://")
    return parsed.set(drivername=_DRIVER)
