"""The child processes of `laurel run`: one service, or the embedded Postgres.

`python -m services.cli.child run <service>` becomes the service. It ends when its supervisor ends,
also after kill -9: a thread waits for the end of standard input, which the supervisor keeps open
and never writes to. Then the service gets SIGTERM, so that it drains, and is ended after that.

`python -m services.cli.child postgres <data folder> <supervisor>` becomes Postgres. It reads the
owner's password from standard input, makes the cluster if there is none (complete or not at all),
ends a server that an earlier Laurel left, drops root, and replaces itself by the server. Each role
is asked for its password (SCRAM), also in a cluster of an earlier release that asked for none.

So the supervisor is the parent of Postgres, sees its end at once, and starts every restart in a
fresh process. (`get_server()` of the wheel returns the ended server in the same process, and it
loosens the permissions of parent folders.)

What can go wrong: the process ends with a line on standard error that says why; the supervisor
starts it again with back-off.
"""

import ctypes
import hashlib
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

from services.cli.handing import PROCESSES
from services.cli.postgres_folder import PostgresFolder, find

# The same time as the supervisor gives a service to drain.
DRAIN_SECONDS: Final = 7.0
_PR_SET_PDEATHSIG: Final = 1
_STOP_WAIT_SECONDS: Final = 15
_NOT_RUNNING: Final = 2  # exit code of pg_isready when no server listens

_INITDB_OPTIONS: Final = (
    "--auth=scram-sha-256",
    "--pwfile=/dev/stdin",
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


# The whole file: connections come by the socket, and every role has a password.
_PG_HBA: Final = "local all all scram-sha-256\n"
# Tells which password of the owner is set in the cluster.
_OWNER_MARK: Final = "owner.sha256"


def main() -> None:
    """Become the process that the arguments name; return or exit when it ends."""
    match sys.argv[1:]:
        case ["run", service]:
            _become_service(service)
        case ["postgres", data_folder, supervisor]:
            _become_postgres(Path(data_folder), int(supervisor))
        case _:
            sys.exit("run <service>, or postgres <data folder> <supervisor>")


# --- a service -----------------------------------------------------------------------------------


def _become_service(service: str) -> None:
    if service not in PROCESSES:
        sys.exit(f"{service!r} is not one of {', '.join(PROCESSES)}")
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
    password = sys.stdin.read()
    place = find(data_folder)
    if place.user is not None:
        _become_user(place.user)
    _end_leftover(place)
    if not (place.data / "PG_VERSION").exists():
        _make_cluster(place, password)
    _demand_passwords(place, password)
    _end_with(supervisor)
    options = [f"-c{name}={value}" for name, value in _SERVER_OPTIONS.items()]
    program = str(place.programs / "postgres")
    arguments = [program, "-D", str(place.data), f"-k{place.sockets}", *options]
    os.execv(program, arguments)


def _become_user(user: str) -> None:
    account = pwd.getpwnam(user)
    os.setgroups([])
    os.setgid(account.pw_gid)
    os.setuid(account.pw_uid)
    # This user may not have access to the working folder, and Postgres needs one it can enter.
    os.chdir("/")


def _end_leftover(place: PostgresFolder) -> None:
    """Stop a server that an earlier supervisor left; ours holds the lock of the data folder."""
    answer = subprocess.run([place.programs / "pg_isready", "-q", "-h", place.sockets], check=False)
    if answer.returncode != _NOT_RUNNING:
        wait = ("-w", "-t", str(_STOP_WAIT_SECONDS))
        stop = (place.programs / "pg_ctl", "stop", "-s", "-m", "fast", *wait, "-D", place.data)
        subprocess.run(stop, check=False)


def _make_cluster(place: PostgresFolder, password: str) -> None:
    fresh = place.folder / "data.new"
    shutil.rmtree(fresh, ignore_errors=True)
    initdb = (place.programs / "initdb", *_INITDB_OPTIONS, "-D", fresh)
    subprocess.run(initdb, check=True, stdout=subprocess.DEVNULL, input=password, text=True)
    (fresh / _OWNER_MARK).write_text(_mark_of(password))
    fresh.rename(place.data)


def _demand_passwords(place: PostgresFolder, password: str) -> None:
    """Set the owner's password if it is another one, and let no role in without its password."""
    mark = place.data / _OWNER_MARK
    if not mark.exists() or mark.read_text() != _mark_of(password):
        server = (place.programs / "postgres", "--single", "-D", place.data, "postgres")
        command = f"ALTER ROLE postgres PASSWORD '{password}'\n"
        subprocess.run(server, check=True, stdout=subprocess.DEVNULL, input=command, text=True)
        mark.write_text(_mark_of(password))
    (place.data / "pg_hba.conf").write_text(_PG_HBA)


def _mark_of(password: str) -> str:
    return hashlib.sha256(password.encode()).hexdigest()


def _end_with(supervisor: int) -> None:
    """Make the kernel send SIGINT (fast shutdown) to this process when the supervisor ends.

    On systems other than Linux the next start ends the leftover server instead.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(signal.SIGINT))
        if os.getppid() != supervisor:
            sys.exit("the supervisor ended before Postgres began")


if __name__ == "__main__":
    main()
