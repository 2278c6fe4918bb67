"""Kafka only: settings of topics, transaction markers, batches by size, the local server."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from deploy.kafka.server import KafkaServer, main
from shared.clock import SystemClock
from shared.errors import ConfigurationError, Permanent
from shared.log.follow import Follower
from shared.log.kafka import KafkaLog
from shared.log.kafka.log import RECORD_BYTES_MAX
from shared.log.port import Record
from shared.log.topics import Topic
from tests.contract.log.harness import (
    eventually,
    fresh_topic,
    read_to_end,
    record,
    seek_all,
    values,
)

pytestmark = pytest.mark.kafka


@pytest.fixture
async def log(kafka_bootstrap: str) -> AsyncIterator[KafkaLog]:
    made = KafkaLog(kafka_bootstrap, SystemClock())
    await made.open()
    yield made
    await made.close()


async def settings_of(bootstrap: str, topic: Topic) -> dict[str, str]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    [answer] = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic.name)])
    await admin.close()
    return {line[0]: line[1] for line in answer.resources[0][4]}


async def test_topics_get_what_the_declaration_says(log: KafkaLog, kafka_bootstrap: str) -> None:
    dated = fresh_topic(partitions=2, retention_ms=123_456)
    compacted = fresh_topic(partitions=1, compacted=True)
    await log.ensure_topics([dated, compacted])
    of_dated = await settings_of(kafka_bootstrap, dated)
    of_compacted = await settings_of(kafka_bootstrap, compacted)
    assert (of_dated["cleanup.policy"], of_dated["retention.ms"]) == ("delete", "123456")
    assert (of_compacted["cleanup.policy"], of_compacted["retention.ms"]) == ("compact", "-1")
    assert of_dated["message.timestamp.type"] == "LogAppendTime"
    assert of_dated["min.insync.replicas"] == "1"


async def test_another_number_of_partitions_is_refused(log: KafkaLog) -> None:
    topic = fresh_topic(partitions=2)
    await log.ensure_topics([topic])
    with pytest.raises(ConfigurationError, match="2 partitions"):
        await log.ensure_topics([Topic(topic.name, 3, None)])


async def test_large_records_and_large_batches_arrive(log: KafkaLog) -> None:
    topic = fresh_topic(partitions=1)
    await log.ensure_topics([topic])
    sizes = [10, 600_000, 600_000, 3_000_000, 10, RECORD_BYTES_MAX]
    await log.append(topic, [Record(b"k", b"x" * size) for size in sizes])
    reader = await log.reader(topic, group=None)
    await seek_all(log, topic, reader)
    assert [len(r.value) for r in await read_to_end(log, topic, reader)] == sizes
    with pytest.raises(Permanent):
        await log.append(topic, [Record(b"k", b"x" * (RECORD_BYTES_MAX + 1))])


async def test_a_marker_at_the_end_does_not_block_a_reader(
    log: KafkaLog, kafka_bootstrap: str
) -> None:
    """A transaction of another program leaves an offset that no reader sees (#911)."""
    topic = fresh_topic(partitions=1, compacted=True)
    await log.ensure_topics([topic])
    other = AIOKafkaProducer(bootstrap_servers=kafka_bootstrap, transactional_id=topic.name)
    await other.start()
    await other.begin_transaction()
    await other.send_and_wait(topic.name, b"kept", key=b"k")
    await other.commit_transaction()
    await other.begin_transaction()
    await other.send_and_wait(topic.name, b"aborted", key=b"k")
    await other.abort_transaction()
    await other.stop()
    seen: list[str] = []
    follower = Follower(log, topic, lambda batch: seen.extend(values(batch)), SystemClock())

    async def has_seen_later() -> bool:
        return "later" in seen

    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        work = tasks.create_task(follower.run())
        await follower.caught_up.wait()
        await log.append(topic, [record("k", "later")])
        await eventually(has_seen_later)
        work.cancel()
    assert seen == ["kept", "later"]
    assert await log.end_offsets(topic) == {0: 5}


def test_a_paused_broker_sends_no_answer_after_pause_returns(
    own_kafka: KafkaServer,
) -> None:
    """The signal acts when the kernel next runs a thread: up to 26 ms later on busy cores."""
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(4)]
    try:
        for _ in range(30):
            own_kafka.pause()
            tasks = Path(f"/proc/{own_kafka.pid()}/task").glob("*/stat")
            assert {task.read_text().rpartition(")")[2].split()[0] for task in tasks} == {"T"}
            own_kafka.resume()
    finally:
        for process in busy:
            process.kill()
            process.wait()


def test_the_command_line_starts_and_stops_a_server(
    kafka_bootstrap: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = ["--folder", str(tmp_path / "kafka")]
    assert main(["start", *folder, "--port", "0"]) == 0
    assert main(["address", *folder]) == 0
    assert main(["stop", *folder]) == 0
    started, address = capsys.readouterr().out.split()
    assert started == address
    assert not (tmp_path / "kafka" / "pid").exists()
