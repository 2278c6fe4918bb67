"""What a supervised service runs in: `python -m services.cli.child run <service>`.

Promise: the service ends when its supervisor ends, however that happens (kill -9 included): a thread waits for the end of
standard input, which the supervisor holds open and never writes to. The service is asked first (SIGTERM, it drains) and made to
end after that. Works the same on every Unix.
"""

import os
import runpy
import signal
import sys
import threading
from typing import Final

from shared.db.roles import SERVICES

# As long as the supervisor itself gives a service to drain.
DRAIN_SECONDS: Final = 7.0


def main() -> None:
    """Watch for the supervisor's end, and be the service."""
    # The words of the command that this stands for, so that `ps` reads the same in every installation.
    _, service = sys.argv[1:]
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


if __name__ == "__main__":
    main()
