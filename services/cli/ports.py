"""Whether the three ports are free, and what to do when one is not.

What can go wrong: `ConfigurationError` naming the port, the service and the way out.
"""

import socket

from shared.db.roles import SERVICES
from shared.errors import ConfigurationError
from shared.settings import Settings


def port_of(settings: Settings, service: str) -> int:
    """The port that a service listens on."""
    ports = {
        "tracking": settings.tracking_port,
        "attribution": settings.attribution_port,
        "roi": settings.roi_port,
    }
    return ports[service]


def taken(settings: Settings) -> dict[str, str]:
    """Why a service could not listen on its port, for each that could not."""
    found = {}
    for service in SERVICES:
        try:
            _try_to_listen(settings.host, port_of(settings, service))
        except OSError as error:
            found[service] = error.strerror or str(error)
    return found


def require_free(settings: Settings) -> None:
    """Refuse to start children that could never listen."""
    ports = [port_of(settings, service) for service in SERVICES]
    if len(set(ports)) < len(ports):
        raise ConfigurationError(f"the three services need three ports, not {ports}")
    for service, why in taken(settings).items():
        port = port_of(settings, service)
        raise ConfigurationError(
            f"{service} cannot listen on {settings.host}:{port} ({why}). Is another Laurel running? Stop what"
            f" holds the port (`ss -ltnp 'sport = :{port}'` names it), or choose another one:"
            f" set LAUREL_{service.upper()}_PORT={port + 100} for every command"
        )


def _try_to_listen(host: str, port: int) -> None:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    with socket.socket(family, kind, protocol) as listener:
        # As the server itself does: a port in TIME_WAIT is free.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(1)
