"""`laurel secrets`: make the secrets of a deployment, one file for each of its processes.

Promise: the files have mode 0600 in a folder of mode 0700. Each process finds its own secrets in
its file and nothing else (`handing`). No secret is printed. A folder that exists is not changed.

What can go wrong: `ConfigurationError` when the folder exists or cannot be written.
"""

import secrets
from pathlib import Path
from typing import Annotated, Final

import typer

from services.cli.console import out
from services.cli.handing import PROCESSES, handed_to
from shared.errors import ConfigurationError
from shared.sealing import new_api_key
from shared.settings import Settings

_BYTES: Final = 32
_SECRET: Final = (
    "LAUREL_SECRET_KEY",
    "LAUREL_DATABASE_URL",
    "LAUREL_LOG_LOGIN",
    "LAUREL_ADMIN_KEY",
)
_LOG_USER: Final = "laurel"

Files = dict[str, dict[str, str]]


def make_secrets(
    folder: Annotated[Path, typer.Option(help="The folder to make.")] = Path(".secrets"),
    database: Annotated[str, typer.Option(help="Host, port and name of the database.")] = (
        "postgres:5432/laurel"
    ),
    log: Annotated[str, typer.Option(help="LAUREL_LOG of the services.")] = "kafka://kafka:9092",
) -> None:
    """Make the secrets of a deployment such as docker-compose.yml, one file for each process."""
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        raise ConfigurationError(
            f"{folder} exists: its secrets open the data of a deployment. Remove it only together"
            " with that data, or choose another with --folder"
        ) from None
    except OSError as error:
        raise ConfigurationError(f"{folder} cannot be made ({error.strerror})") from error
    admin_key = new_api_key(public=False)
    for name, values in _files(database, log, admin_key).items():
        lines = [f"{variable}={value}" for variable, value in values.items()]
        _keep(folder / f"{name}.env", "\n".join(lines))
    _keep(folder / "admin.key", admin_key)
    out.print(f"[good]✓[/] {folder} holds the secrets; the admin key is in {folder}/admin.key")


def _files(database: str, log: str, admin_key: str) -> Files:
    """Return the variables of each process."""
    secret_key, owner, log_password = (secrets.token_hex(_BYTES) for _ in range(3))
    owner_url = f"postgresql://postgres:{owner}@{database}"
    settings = Settings.load(
        {
            "LAUREL_LOG": log,
            "LAUREL_LOG_LOGIN": f"{_LOG_USER}:{log_password}",
            "LAUREL_ADMIN_KEY": admin_key,
        }
    )
    files: Files = {
        "postgres": {"POSTGRES_PASSWORD": owner},
        "kafka": {"KAFKA_USER": _LOG_USER, "KAFKA_PASSWORD": log_password},
        "migrate": {"LAUREL_DATABASE_URL": owner_url, "LAUREL_SECRET_KEY": secret_key},
    }
    for service in PROCESSES:
        handed = handed_to(service, settings, owner_url, secret_key)
        files[service] = {name: handed[name] for name in _SECRET if name in handed}
    return files


def _keep(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text + "\n")
