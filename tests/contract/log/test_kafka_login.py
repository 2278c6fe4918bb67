"""Kafka with SASL, as docker-compose.yml starts it: no client is served without a log-in.

The broker is real and starts by the shipped script, with the programs of the jars in place of those
of the image.
"""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.kafka.jars import jars_folder
from deploy.kafka.server import STARTED
from shared.clock import SystemClock
from shared.errors import Permanent, Transient
from shared.log.kafka import KafkaLog
from tests.contract.log.harness import fresh_topic, read_to_end, record, seek_all, values
from tests.e2e.installation import eventually, free_ports
from tests.fixtures.kafka import jars_cache, skipped_without_kafka

pytestmark = pytest.mark.kafka

LOGIN = ("laurel", "a-password-of-the-tests")
SCRIPT = Path(__file__).resolve().parents[3] / "deploy" / "kafka" / "compose.sh"
LOGGING = SCRIPT.with_name("log4j2.properties")
PROGRAMS = {
    "kafka-storage.sh": "kafka.tools.StorageTool",
    "kafka-server-start.sh": "kafka.Kafka",
}


@pytest.fixture(scope="module")
def bootstrap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("kafka-login")
    with skipped_without_kafka():
        jars = jars_folder(jars_cache())
    for name, program in PROGRAMS.items():
        options = f"-Xmx384m -XX:+UseSerialGC -Dlog4j2.configurationFile={LOGGING} -cp '{jars}/*'"
        script = f'#!/bin/sh\nexec java {options} {program} "$@"\n'
        (folder / name).write_text(script)
        (folder / name).chmod(0o755)
    port, controller_port = free_ports(2)
    own = {
        "BIN": str(folder),
        "CONF": str(folder / "server.properties"),
        "DATA": str(folder / "data"),
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "CONTROLLER_PORT": str(controller_port),
        "KAFKA_USER": LOGIN[0],
        "KAFKA_PASSWORD": LOGIN[1],
    }
    output = folder / "output"
    with output.open("wb") as file:
        process = subprocess.Popen(
            ["bash", str(SCRIPT)], env=os.environ | own, stdout=file, stderr=subprocess.STDOUT
        )
    try:

        def has_started() -> bool | None:
            assert process.poll() is None, output.read_text()[-3_000:]
            return STARTED in output.read_text(errors="replace") or None

        eventually(has_started, seconds=90, what="Kafka starts")
        yield f"127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


async def test_the_log_works_with_the_log_in(bootstrap: str) -> None:
    log = KafkaLog(bootstrap, SystemClock(), login=LOGIN)
    await log.open()
    try:
        topic = fresh_topic(partitions=2)
        await log.ensure_topics([topic])
        await log.append(topic, [record(f"{number}") for number in range(20)])
        reader = await log.reader(topic, group=None)
        await seek_all(log, topic, reader)
        assert len(values(await read_to_end(log, topic, reader))) == 20
        await reader.close()
    finally:
        await log.close()


@pytest.mark.parametrize("login", [None, ("laurel", "wrong"), ("stranger", LOGIN[1])])
async def test_no_client_is_served_without_the_password(
    bootstrap: str, login: tuple[str, str] | None
) -> None:
    log = KafkaLog(bootstrap, SystemClock(), timeout_seconds=3, login=login)
    try:
        with pytest.raises((Transient, Permanent)):
            await asyncio.wait_for(log.ensure_topics([fresh_topic(partitions=1)]), 30)
    finally:
        await log.close()
