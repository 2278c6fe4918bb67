"""The process that becomes the embedded Postgres: `python -m services.cli.postgres_process <data folder>`.

Promise: it makes the cluster if there is none (complete or not at all), ends a server that an earlier Laurel left behind, gives
up root, and then *becomes* Postgres. So the supervisor is Postgres's parent and learns of its death at once, the kernel ends Postgres
when the supervisor dies, and every restart begins in a fresh process. (The wheel's `get_server()` does none of it: in one
process it hands back the dead server, and it loosens the permissions of every parent folder.)

What can go wrong: it ends with a line on standard error that says why; the supervisor tries again with back-off.
"""

import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

from services.cli.place import Place, find

_PR_SET_PDEATHSIG: Final = 1
_STOP_WAIT_SECONDS: Final = 15
_NOT_RUNNING: Final = 2  # what pg_isready answers when nobody listens

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
    """Prepare, then turn into Postgres; does not return."""
    supervisor = int(sys.argv[2])
    place = find(Path(sys.argv[1]))
    if place.user is not None:
        _become(place.user)
    _end_leftover(place)
    if not (place.data / "PG_VERSION").exists():
        _make_cluster(place)
    _die_with(supervisor)
    options = [f"-c{name}={value}" for name, value in _SERVER_OPTIONS.items()]
    program = str(place.programs / "postgres")
    os.execv(program, [program, "-D", str(place.data), f"-k{place.sockets}", *options])


def _become(user: str) -> None:
    account = pwd.getpwnam(user)
    os.setgroups([])
    os.setgid(account.pw_gid)
    os.setuid(account.pw_uid)
    # The folder we stand in may be closed to this user; Postgres wants to be able to come back to it.
    os.chdir("/")


def _end_leftover(place: Place) -> None:
    """The data folder is locked by our supervisor, so a server that still runs on it is nobody's any more."""
    answer = subprocess.run([place.programs / "pg_isready", "-q", "-h", place.sockets], check=False)
    if answer.returncode != _NOT_RUNNING:
        wait = ("-w", "-t", str(_STOP_WAIT_SECONDS))
        stop = (place.programs / "pg_ctl", "stop", "-s", "-m", "fast", *wait, "-D", place.data)
        subprocess.run(stop, check=False)


def _make_cluster(place: Place) -> None:
    fresh = place.folder / "data.new"
    shutil.rmtree(fresh, ignore_errors=True)
    initdb = (place.programs / "initdb", *_INITDB_OPTIONS, "-D", fresh)
    subprocess.run(initdb, check=True, stdout=subprocess.DEVNULL)
    fresh.rename(place.data)


def _die_with(supervisor: int) -> None:
    """Have the kernel ask for a fast shutdown when the supervisor ends, however it ends. Elsewhere than on Linux the
    next start ends the leftover instead."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(signal.SIGINT))
        if os.getppid() != supervisor:
            sys.exit("the supervisor ended before Postgres began")


if __name__ == "__main__":
    main()
