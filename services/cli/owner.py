"""The owner's way into the database, for commands that work on it directly: `migrate` and `keys`.

What can go wrong: `ConfigurationError` when neither a setting nor a running embedded Postgres gives one.
"""

from dataclasses import dataclass

from services.cli import place
from services.cli.folder import DataFolder
from shared.errors import ConfigurationError
from shared.settings import Settings


@dataclass(frozen=True, slots=True)
class Owner:
    """The owner's URL and the secret key that the services' log-ins are derived from."""

    url: str
    secret_key: str


def find_owner(settings: Settings) -> Owner:
    """From LAUREL_DATABASE_URL and LAUREL_SECRET_KEY, else from the data folder of a running Laurel."""
    folder = DataFolder(settings.data_dir)
    secret_key = folder.secret_key(settings, create=False)
    if settings.database_url is None:
        return Owner(_embedded_url(folder), _required(secret_key, folder))
    return Owner(settings.database_url.get_secret_value(), _required(secret_key, folder))


def _embedded_url(folder: DataFolder) -> str:
    found = place.find(folder.path)
    if not (found.sockets / place.SOCKET_NAME).exists():
        raise ConfigurationError(
            f"no database: LAUREL_DATABASE_URL is not set and no Laurel runs on {folder.path}."
            " Start it with `laurel run` (which also migrates), or set LAUREL_DATABASE_URL"
        )
    return found.owner_url


def _required(secret_key: str | None, folder: DataFolder) -> str:
    if secret_key is None:
        raise ConfigurationError(
            f"no secret key: set LAUREL_SECRET_KEY to the one the services have ({folder.path} holds none)"
        )
    return secret_key
