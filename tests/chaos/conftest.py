"""The plants that the stories break: one on Apache Kafka for all of them, its Postgres on a small disk where that may be mounted."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.chaos.disks import mount, unmount
from tests.chaos.plant import Plant
from tests.chaos.proof import new_brand
from tests.e2e.installation import Brand
from tests.e2e.shop import Shop
from tests.fixtures.kafka import running_kafka
from tests.fixtures.postgres import PostgresServer, new_postgres_folder

SEED: Final = int(os.environ.get("SEED", "20261122"))
# Small segments of the write-ahead log, so that the disk holds what a long story writes.
POSTGRES_SETTINGS: Final = "max_wal_size = 64MB\nmin_wal_size = 32MB\n"
DISK_MEGABYTES: Final = 768


@contextmanager
def running_plant(*, on_kafka: bool, disk_megabytes: int = 0) -> Iterator[Plant]:
    """A plant that works; everything of it is gone afterwards."""
    with ExitStack() as stack:
        broker = stack.enter_context(running_kafka()) if on_kafka else None
        postgres = PostgresServer(new_postgres_folder())
        if disk_megabytes and not mount(postgres.folder, disk_megabytes):
            stack.callback(unmount, postgres.folder)
        stack.callback(postgres.remove)
        postgres.create(settings=POSTGRES_SETTINGS)
        postgres.start()
        folder = Path(tempfile.mkdtemp(prefix="laurel-chaos-"))
        plant = Plant(folder, postgres, broker)
        stack.callback(plant.remove)
        plant.start()
        yield plant


@pytest.fixture(scope="session")
def shared_plant() -> Iterator[Plant]:
    """The plant on Kafka, started once for all stories."""
    with running_plant(on_kafka=True, disk_megabytes=DISK_MEGABYTES) as plant:
        yield plant


@pytest.fixture
def plant(shared_plant: Plant) -> Iterator[Plant]:
    """The shared plant, whole and working before the story and after it."""
    shared_plant.restore()
    yield shared_plant
    shared_plant.restore()
    shared_plant.assert_nobody_gave_up()


@pytest.fixture
def brand(plant: Plant) -> Brand:
    """A brand that nobody sold for yet."""
    return new_brand(plant)


@pytest.fixture
def shop(brand: Brand) -> Shop:
    """Its shop."""
    return Shop(brand, SEED)
