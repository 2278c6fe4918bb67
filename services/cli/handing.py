"""What a service is handed: its own log-in, the keys of its own uses, and plain settings.

Promise: no service sees the address of the database's owner, the admin key or the secret key.
tracking sees a log-in only where the log is in Postgres, the dashboard never. Of the environment of this process a
service gets what the system needs, and nothing else. A key ring and a log-in that are a service's
own already are handed on.

What can go wrong: `ConfigurationError` when a secret is missing from which a log-in follows.
"""

from collections.abc import Sequence
from typing import Final

from shared.db.roles import SERVICES, own_log_in
from shared.sealing import Sealer, is_key_ring
from shared.settings import Settings, environment_of, hashed_admin_key

# The services as processes. The dashboard has no role in the database.
PROCESSES: Final = (*SERVICES, "dashboard")
# These are handed in the form that is the service's own.
_DERIVED: Final = ("database_url", "admin_key", "secret_key")


def environment_for(
    service: str,
    settings: Settings,
    database_url: str | None,
    secret_key: str,
    workspaces: Sequence[str] = (),
) -> dict[str, str]:
    """Return the whole environment of a service: the system's, and what `handed_to` it."""
    return environment_of(handed_to(service, settings, database_url, secret_key, workspaces))


def handed_to(
    service: str,
    settings: Settings,
    database_url: str | None,
    secret_key: str,
    workspaces: Sequence[str] = (),
) -> dict[str, str]:
    """Return the variables of a service.

    `database_url` is the owner's or the service's own; `secret_key` the secret or its key ring.
    `workspaces`: those of the installation, as far as they are known.
    """
    handed = settings.read_by(service, without=_DERIVED)
    ring = secret_key
    if not is_key_ring(secret_key):
        ring = Sealer(secret_key).ring_of(service, workspaces)
    handed["LAUREL_SECRET_KEY"] = ring
    needs_database = service in SERVICES
    if service == "tracking" and settings.kafka_servers:
        needs_database = False
    if needs_database and database_url is not None:
        handed["LAUREL_DATABASE_URL"] = own_log_in(database_url, service, secret_key)
    if service == "roi" and settings.admin_key is not None:
        handed["LAUREL_ADMIN_KEY"] = hashed_admin_key(settings.admin_key.get_secret_value())
    return handed
