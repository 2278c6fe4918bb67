"""A separate tracking process, for tests that kill it.

Its memory log is unreachable, so that all events stay in the journal.
Promise: it prints its port in one line and serves until it is killed. The test cleans up.
"""

import resource
import socket
import sys
from pathlib import Path

import uvloop

from services.tracking.app import Tracking
from services.tracking.settings import TrackingSettings
from shared.clock import SystemClock
from shared.http.server import Server, server_config
from shared.log.memory import MemoryBroker, MemoryLog
from tests.integration.tracking.world import SECRET_KEY


async def main(folder: Path, file_bytes_max: int, in_flight_max: int) -> None:
    """Serve from the snapshot in `folder`; `file_bytes_max` 0 leaves files unlimited."""
    clock = SystemClock()
    broker = MemoryBroker(clock)
    broker.go_away()
    settings = TrackingSettings.load(
        {"LAUREL_DATA_DIR": str(folder), "LAUREL_SECRET_KEY": SECRET_KEY}
    )
    tracking = Tracking(settings, MemoryLog(broker), clock, in_flight_max=in_flight_max)
    listener = socket.create_server(("127.0.0.1", 0))
    async with tracking.running():
        if file_bytes_max:
            resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes_max, resource.RLIM_INFINITY))
        sys.stdout.write(f"{listener.getsockname()[1]}\n")
        sys.stdout.flush()
        config = server_config(tracking.app, "127.0.0.1", 0, tracking.http)
        await Server(config).serve(sockets=[listener])


if __name__ == "__main__":
    folder, *numbers = sys.argv[1:]
    uvloop.run(main(Path(folder), int(numbers[0]), int(numbers[1])))
