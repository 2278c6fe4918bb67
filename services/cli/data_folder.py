"""The data folder: the lock of `laurel run`, the secret key, and the file of the admin key.

Promise: the folder is made with mode 0700 and every secret in it with 0600, complete or not at
all. One `laurel run` at a time has the folder, by a lock that the kernel releases at process end.

What can go wrong: `ConfigurationError` when another Laurel has the lock, or when the folder cannot
be written.
"""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from shared.errors import ConfigurationError
from shared.sealing import Sealer
from shared.settings import Settings

_SECRET_FILE: Final = "secret.key"
_ADMIN_FILE: Final = "admin.key"
_ADMIN_MARK: Final = "admin.key.sha256"
_LOCK_FILE: Final = "run.lock"
_SECRET_BYTES: Final = 32


class DataFolder:
    """The files of one Laurel. Nothing is created before `prepare`."""

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().resolve()

    def prepare(self) -> None:
        """Make the folder, readable by this user only, and exclude it from git."""
        try:
            if not self.path.is_dir():
                self.path.mkdir(parents=True, mode=0o700)
            ignore = self.path / ".gitignore"
            if not ignore.exists():
                ignore.write_text("*\n")
        except OSError as error:
            raise ConfigurationError(
                f"the data folder {self.path} cannot be written ({error.strerror});"
                " choose another with LAUREL_DATA_DIR"
            ) from error

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock of the folder; raises `ConfigurationError` if another process holds it."""
        descriptor = os.open(self.path / _LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise ConfigurationError(self._held_by(descriptor)) from None
            os.ftruncate(descriptor, 0)
            os.write(descriptor, str(os.getpid()).encode())
            yield
        finally:
            os.close(descriptor)

    def _held_by(self, descriptor: int) -> str:
        holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip()
        who = f"process {holder}" if holder else "another process"
        return (
            f"already running on {self.path} ({who}). Stop that one first (Ctrl-C in its terminal),"
            " or start a second Laurel with its own LAUREL_DATA_DIR and ports"
        )

    def secret_key(self, settings: Settings, *, create: bool) -> str | None:
        """Return the key that seals secrets: of the setting, else of the folder.

        With `create` a missing key is made; without it the result is None.
        """
        if settings.secret_key is not None:
            return settings.secret_key.get_secret_value()
        kept = self._read(_SECRET_FILE)
        if kept is None and create:
            kept = secrets.token_urlsafe(_SECRET_BYTES)
            self._keep(_SECRET_FILE, kept)
        return kept

    @property
    def admin_key_file(self) -> Path:
        """The file of an admin key that could not be shown on a terminal."""
        return self.path / _ADMIN_FILE

    def admin_key(self) -> str | None:
        """Return the admin key in its file, or None."""
        return self._read(_ADMIN_FILE)

    def keep_admin_key(self, key: str) -> Path:
        """Write the admin key to its file, readable by this user only; return the path."""
        self._keep(_ADMIN_FILE, key)
        return self.admin_key_file

    def admin_mark(self) -> str | None:
        """Return the SHA-256 of the admin key that an earlier run made, or None."""
        return self._read(_ADMIN_MARK)

    def keep_admin_mark(self, digest: str) -> None:
        """Store the SHA-256 of an admin key, so that later runs make no other."""
        self._keep(_ADMIN_MARK, digest)

    def _read(self, name: str) -> str | None:
        try:
            return (self.path / name).read_text().strip() or None
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ConfigurationError(
                f"{self.path / name} cannot be read ({error.strerror});"
                " run this as the user who started Laurel"
            ) from error

    def _keep(self, name: str, text: str) -> None:
        """Write a secret with mode 0600 to a temporary file and rename the complete file."""
        path = self.path / name
        fresh = path.with_name(f".{name}.{os.getpid()}")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(descriptor)
        fresh.replace(path)


def own_key(secret_key: str, workspace_id: str = "") -> str:
    """Return the key of the command line to a workspace; without an id, to `main`.

    It is derived from the secret key and stored nowhere. With it `laurel demo` works in a second
    terminal after the admin key was shown once in the first. It gives no new rights: with the
    secret key a process can log in to the database.
    """
    purpose = f"command-line-key/{workspace_id}" if workspace_id else "command-line-key"
    digest = Sealer(secret_key).derive(purpose).hex()
    return f"lrl_sec_{digest[:8]}_{digest[8:]}"
