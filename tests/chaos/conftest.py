"""The deployments of the chaos tests: one on Apache Kafka is shared.

Its Postgres is on a small disk if the user may mount one.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.chaos.deployment import Deployment
from tests.chaos.disks import mount, unmount
from tests.chaos.workspace_checks import new_brand
from tests.e2e.installation import Brand
from tests.e2e.shop import Shop
from tests.fixtures.kafka import running_kafka
from tests.fixtures.postgres import PostgresServer, new_postgres_folder

SEED: Final = int(os.environ.get("SEED", "20261122"))
# A small write-ahead log, so that the small disk is enough for a long test.
POSTGRES_SETTINGS: Final = "max_wal_size = 64MB\nmin_wal_size = 32MB\n"
DISK_MEGABYTES: Final = 768


@contextmanager
def running_deployment(*, on_kafka: bool, disk_megabytes: int = 0) -> Iterator[Deployment]:
    """Yield a ready deployment, and remove it afterwards."""
    with ExitStack() as stack:
        broker = stack.enter_context(running_kafka()) if on_kafka else None
        postgres = PostgresServer(new_postgres_folder())
        if disk_megabytes and not mount(postgres.folder, disk_megabytes):
            stack.callback(unmount, postgres.folder)
        stack.callback(postgres.remove)
        postgres.create(settings=POSTGRES_SETTINGS)
        postgres.start()
        folder = Path(tempfile.mkdtemp(prefix="laurel-chaos-"))
        deployment = Deployment(folder, postgres, broker)
        stack.callback(deployment.remove)
        deployment.start()
        yield deployment


@pytest.fixture(scope="session")
def shared_deployment() -> Iterator[Deployment]:
    """The deployment on Kafka, started once for all tests."""
    with running_deployment(on_kafka=True, disk_megabytes=DISK_MEGABYTES) as deployment:
        yield deployment


@pytest.fixture
def deployment(shared_deployment: Deployment) -> Iterator[Deployment]:
    """The shared deployment; it is restored before and after each test."""
    shared_deployment.restore()
    yield shared_deployment
    shared_deployment.restore()
    shared_deployment.assert_no_service_ended()


@pytest.fixture
def brand(deployment: Deployment) -> Brand:
    """A new brand without orders."""
    return new_brand(deployment)


@pytest.fixture
def shop(brand: Brand) -> Shop:
    """The shop of the brand."""
    return Shop(brand, SEED)
