"""The deployments that the stories break: one on Apache Kafka for all of them, its Postgres on a small disk where that may be mounted."""

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
# Small segments of the write-ahead log, so that the disk holds what a long story writes.
POSTGRES_SETTINGS: Final = "max_wal_size = 64MB\nmin_wal_size = 32MB\n"
DISK_MEGABYTES: Final = 768


@contextmanager
def running_deployment(*, on_kafka: bool, disk_megabytes: int = 0) -> Iterator[Deployment]:
    """A deployment that works; everything of it is gone afterwards."""
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
    """The deployment on Kafka, started once for all stories."""
    with running_deployment(on_kafka=True, disk_megabytes=DISK_MEGABYTES) as deployment:
        yield deployment


@pytest.fixture
def deployment(shared_deployment: Deployment) -> Iterator[Deployment]:
    """The shared deployment, whole and working before the story and after it."""
    shared_deployment.restore()
    yield shared_deployment
    shared_deployment.restore()
    shared_deployment.assert_nobody_gave_up()


@pytest.fixture
def brand(deployment: Deployment) -> Brand:
    """A brand that nobody sold for yet."""
    return new_brand(deployment)


@pytest.fixture
def shop(brand: Brand) -> Shop:
    """Its shop."""
    return Shop(brand, SEED)
