"""The three database roles: names, derived passwords, and the address each service logs in with.

Promise: a password is never stored. It is the HMAC-SHA256 of the role name under the secret key, so
`laurel migrate` and the service compute the same one. After a change of the secret key, the next
`laurel migrate` sets the new passwords.

Roles belong to a Postgres server, so two Laurel databases on one server need the same secret key.
"""

import hashlib
import hmac
from typing import Final

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from shared.errors import ConfigurationError
from shared.sealing import is_key_ring

SERVICES: Final = ("tracking", "attribution", "roi")
_DRIVER: Final = "postgresql+asyncpg"


def role_name(service: str) -> str:
    """Return the Postgres role of a service."""
    if service not in SERVICES:
        raise ValueError(f"{service!r} is not one of {SERVICES}")
    return f"laurel_{service}"


def owner_password(secret_key: str) -> str:
    """Return the password of the owner of the embedded Postgres."""
    return _password("postgres", secret_key)


def role_password(service: str, secret_key: str) -> str:
    """Return the password of the role, in hexadecimal, so it needs no quoting anywhere."""
    return _password(role_name(service), secret_key)


def _password(role: str, secret_key: str) -> str:
    if is_key_ring(secret_key):
        raise ConfigurationError(
            "LAUREL_SECRET_KEY is the key ring of a service, from which no log-in follows: set"
            " LAUREL_DATABASE_URL to the service's own log-in"
        )
    message = b"laurel database role " + role.encode()
    return hmac.new(secret_key.encode(), message, hashlib.sha256).hexdigest()


def service_url(owner_url: str, service: str, secret_key: str) -> str:
    """Return the address of the owner (TCP or unix socket) with the log-in of the service."""
    url = driver_url(owner_url).set(
        username=role_name(service), password=role_password(service, secret_key)
    )
    return url.render_as_string(hide_password=False)


def own_log_in(url: str, service: str, secret_key: str) -> str:
    """Return the address with the log-in of the service; `url` has it, or it is the owner's."""
    if driver_url(url).username == role_name(service):
        return url
    return service_url(url, service, secret_key)


def driver_url(url: str) -> URL:
    """Parse a Postgres URL and set the asyncpg driver. Raises `ConfigurationError`."""
    try:
        parsed = make_url(url.replace("postgres://", "postgresql://", 1))
    except ArgumentError:
        # The URL may hold a password, so the message does not repeat it.
        raise ConfigurationError(
            "the database URL must look like postgresql://user:password@host:port/database"
        ) from None
    if parsed.get_backend_name() != "postgresql":
        raise ConfigurationError("the database URL must start with postgresql://")
    return parsed.set(drivername=_DRIVER)
