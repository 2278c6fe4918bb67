"""What runs in the child processes of `laurel run`: one service, or the embedded Postgres.

`python -m services.cli.child run <service>` becomes the service. It ends when its supervisor ends,
kill -9 included: a thread waits for the end of standard input, which the supervisor holds open and
never writes to. The service gets SIGTERM first, so that it drains, and is ended after that.

`python -m services.cli.child postgres <data folder> <supervisor>` becomes Postgres: it makes the
cluster if there is none (complete or not at all), ends a server that an earlier Laurel left, gives
up root, and replaces itself by the server. So the supervisor is the parent of Postgres and learns
of its death at once, and every restart begins in a fresh process. (`get_server()` of the wheel
returns the dead server in the same process, and it loosens the permissions of parent folders.)

What can go wrong: the process ends with a line on standard error that says why; the supervisor
starts it again with back-off.
"""

import ctypes
import os
import pwd
import runpy
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Final

from services.cli.postgres_folder import PostgresFolder, find
from shared.db.roles import SERVICES

# As long as the supervisor itself gives a service to drain.
DRAIN_SECONDS: Final = 7.0
_PR_SET_PDEATHSIG: Final = 1
_STOP_WAIT_SECONDS: Final = 15
_NOT_RUNNING: Final = 2  # the exit code of pg_isready when no server listens

_INITDB_OPTIONS: Final = (
    "--auth=trust",  # the socket's folder decides who gets in
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--username=postgres",
)
_SERVER_OPTIONS: Final = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
}


def main() -> None:
    """Become what the arguments name; does not return while it runs."""
    match sys.argv[1:]:
        case ["run", service]:
            _become_service(service)
        case ["postgres", data_folder, supervisor]:
            _become_postgres(Path(data_folder), int(supervisor))
        case _:
            sys.exit("run <service>, or postgres <data folder> <supervisor>")


# --- a service -----------------------------------------------------------------------------------


def _become_service(service: str) -> None:
    if service not in SERVICES:
        sys.exit(f"{service!r} is not one of {', '.join(SERVICES)}")
    threading.Thread(target=_end_with_supervisor, name="supervisor-watch", daemon=True).start()
    sys.argv = [f"laurel-{service}"]
    runpy.run_module(f"services.{service}", run_name="__main__", alter_sys=True)


def _end_with_supervisor() -> None:
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait(DRAIN_SECONDS)
    os._exit(1)


# --- Postgres ------------------------------------------------------------------------------------


def _become_postgres(data_folder: Path, supervisor: int) -> None:
    place = find(data_folder)
    if place.user is not None:
        _become_user(place.user)
    _end_leftover(place)
    if not (place.data / "PG_VERSION").exists():
        _make_cluster(place)
    _die_with(supervisor)
    options = [f"-c{name}={value}" for name, value in _SERVER_OPTIONS.items()]
    program = str(place.programs / "postgres")
    os.execv(program, [program, "-D", str(place.data), f"-k{place.sockets}", *options])


def _become_user(user: str) -> None:
    account = pwd.getpwnam(user)
    os.setgroups([])
    os.setgid(account.pw_gid)
    os.setuid(account.pw_uid)
    # This user may not enter the working folder, and Postgres must be able to return to its own.
    os.chdir("/")


def _end_leftover(place: PostgresFolder) -> None:
    """Our supervisor holds the data folder, so a server that still runs on it has no supervisor."""
    answer = subprocess.run([place.programs / "pg_isready", "-q", "-h", place.sockets], check=False)
    if answer.returncode != _NOT_RUNNING:
        wait = ("-w", "-t", str(_STOP_WAIT_SECONDS))
        stop = (place.programs / "pg_ctl", "stop", "-s", "-m", "fast", *wait, "-D", place.data)
        subprocess.run(stop, check=False)


def _make_cluster(place: PostgresFolder) -> None:
    fresh = place.folder / "data.new"
    shutil.rmtree(fresh, ignore_errors=True)
    initdb = (place.programs / "initdb", *_INITDB_OPTIONS, "-D", fresh)
    subprocess.run(initdb, check=True, stdout=subprocess.DEVNULL)
    fresh.rename(place.data)


def _die_with(supervisor: int) -> None:
    """Have the kernel ask for a fast shutdown when the supervisor ends, however it ends.

    On other systems than Linux the next start ends the leftover server instead.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(signal.SIGINT))
        if os.getppid() != supervisor:
            sys.exit("the supervisor ended before Postgres began")


if __name__ == "__main__":
    main()
