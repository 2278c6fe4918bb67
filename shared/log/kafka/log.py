"""The event log on a Kafka cluster: append, create topics, read low marks and ends.

Promise: the promises of `port.py`. Every client option that protects data is passed by name, and
every call has a deadline of ours. While the brokers are unreachable, calls raise `Transient` and
nothing hangs; the producer and the readers connect again at their next use.
What can go wrong: a batch that timed out may arrive later, twice, or after newer batches; readers
compare ids and revisions. After an unclean election the log may end before a stored offset; that
is `Permanent`.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import zip_longest
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.errors import (
    TopicAlreadyExistsError,
    for_code,
)
from typing_extensions import override

from shared.clock import Clock
from shared.errors import ConfigurationError, Permanent, Transient
from shared.log.kafka.reader import KafkaReader, all_partitions
from shared.log.kafka.timeouts import quiet_client, start, stop, with_deadline
from shared.log.partition import by_partition
from shared.log.port import EventLog, Reader, Record
from shared.log.topics import Topic

# Longer than a leader election, so that an election does not cause a retry of the caller.
TIMEOUT_SECONDS: Final = 10.0
# A batch waits at most twice this share, which is less than our deadline (aiokafka issue 1101).
REQUEST_SHARE: Final = 0.4
# Large batches cost the least; above one megabyte there is no gain.
BATCH_BYTES: Final = 1_000_000
# A decision over a journey of 10,000 touches is one record: some megabytes at worst.
RECORD_BYTES_MAX: Final = 8 * 1024 * 1024
# One fetch of a partition holds 10,000 events; the total limits the memory of a reader.
PARTITION_FETCH_BYTES: Final = 8 * 1024 * 1024
FETCH_BYTES: Final = 16 * 1024 * 1024
SESSION_MS: Final = 10_000
HEARTBEAT_MS: Final = 3_000
# A handler that takes a minute is stalled: the group gives its partitions to another member.
POLL_INTERVAL_MS: Final = 60_000
REPLICAS: Final = 3

logger = structlog.get_logger(__name__)


class KafkaLog(EventLog):
    """The connection of one process to a Kafka cluster."""

    def __init__(
        self,
        bootstrap: str,
        clock: Clock,
        *,
        client_id: str = "laurel",
        login: tuple[str, str] | None = None,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        """`bootstrap` is `host:port[,host:port]`; `login` is user and password (SCRAM-SHA-512)."""
        self._clock = clock
        self._timeout_seconds = timeout_seconds
        self._connection: dict[str, Any] = {
            "bootstrap_servers": bootstrap.split(","),
            "client_id": client_id,
            "request_timeout_ms": int(timeout_seconds * REQUEST_SHARE * 1_000),
            "retry_backoff_ms": 100,
            "metadata_max_age_ms": 60_000,
        }
        if login is not None:
            self._connection |= {
                "security_protocol": "SASL_PLAINTEXT",
                "sasl_mechanism": "SCRAM-SHA-512",
                "sasl_plain_username": login[0],
                "sasl_plain_password": login[1],
            }
        self._producer: AIOKafkaProducer | None = None
        self._marks: AIOKafkaConsumer | None = None
        self._starting = asyncio.Lock()
        self._readers: list[KafkaReader] = []

    @override
    async def open(self) -> None:
        """Try to connect. If the cluster is unreachable, the next call tries again."""
        quiet_client()
        try:
            async with with_deadline("connect", self._timeout_seconds):
                await self._started_producer()
        except Transient as problem:
            logger.warning("kafka.away", problem=str(problem))

    @override
    async def close(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for reader in self._readers:
                tasks.create_task(reader.close())
            for client in (self._producer, self._marks):
                if client is not None:
                    tasks.create_task(stop(client))
        self._producer = self._marks = None

    @override
    async def ensure_topics(self, topics: Sequence[Topic]) -> None:
        admin = AIOKafkaAdminClient(**self._connection)
        try:
            async with with_deadline("ensure topics", self._timeout_seconds):
                await admin.start()
                brokers = len((await admin.describe_cluster())["brokers"])
                created = await admin.create_topics(
                    [_new_topic(topic, min(REPLICAS, brokers)) for topic in topics]
                )
                _refuse_failures(created.topic_errors)
                await self._check(admin, topics)
        finally:
            await stop(admin)

    async def _check(self, admin: AIOKafkaAdminClient, topics: Sequence[Topic]) -> None:
        """Wait until the brokers know the topics; then compare their shape with ours."""
        while True:
            described = await admin.describe_topics([topic.name for topic in topics])
            found = {line["topic"]: line["partitions"] for line in described}
            if all(found.get(topic.name) for topic in topics):
                break
            await self._clock.sleep(0.05)
        for topic in topics:
            _refuse_another_shape(topic, found[topic.name])

    @override
    async def append(self, topic: Topic, records: Sequence[Record]) -> None:
        if not records:
            return
        largest = max(len(record.value) for record in records)
        if largest > RECORD_BYTES_MAX:
            raise Permanent(
                f"a record of {largest} bytes is too large, {RECORD_BYTES_MAX} is the most"
            )
        try:
            async with with_deadline(f"append to {topic.name}", self._timeout_seconds):
                producer = await self._started_producer()
                lanes = [
                    [(number, batch) for batch in _batches(producer, part)]
                    for number, part in by_partition(records, topic.partitions).items()
                ]
                # One batch of each partition at a time: after a failure a prefix has arrived.
                for turn in zip_longest(*lanes):
                    await _send(producer, topic, (sent for sent in turn if sent is not None))
        except Transient:
            await self._drop_producer()
            raise

    @override
    async def low_offsets(self, topic: Topic) -> Mapping[int, int]:
        async with self._asking_marks("read low marks") as marks:
            found = await marks.beginning_offsets(all_partitions(topic))
        return {tp.partition: offset for tp, offset in found.items()}

    @override
    async def end_offsets(self, topic: Topic) -> Mapping[int, int]:
        async with self._asking_marks("read ends") as marks:
            found = await marks.end_offsets(all_partitions(topic))
        return {tp.partition: offset for tp, offset in found.items()}

    @asynccontextmanager
    async def _asking_marks(self, what: str) -> AsyncIterator[AIOKafkaConsumer]:
        try:
            async with with_deadline(what, self._timeout_seconds):
                yield await self._started_marks()
        except Transient:
            # The watchdog depends on these offsets, so a failed client is replaced.
            marks, self._marks = self._marks, None
            if marks is not None:
                await stop(marks)
            raise

    @override
    async def reader(self, topic: Topic, *, group: str | None) -> Reader:
        reader = KafkaReader(
            self,
            topic,
            lambda: self._consumer(group),
            is_member=group is not None,
            timeout_seconds=self._timeout_seconds,
        )
        self._readers = [*(other for other in self._readers if not other.is_closed), reader]
        return reader

    def _consumer(self, group: str | None) -> AIOKafkaConsumer:
        """Return a consumer that never commits and never resets an offset by itself."""
        return AIOKafkaConsumer(
            **self._connection,
            group_id=group,
            # Offsets are stored in the database with the effects; a copy in Kafka could differ.
            enable_auto_commit=False,
            # Any other value would silently skip records that retention removed.
            auto_offset_reset="none",
            isolation_level="read_committed",
            check_crcs=True,
            fetch_min_bytes=1,
            # Less than a request may take; otherwise an idle fetch looks like a lost broker.
            fetch_max_wait_ms=min(500, int(self._timeout_seconds * REQUEST_SHARE * 500)),
            fetch_max_bytes=FETCH_BYTES,
            max_partition_fetch_bytes=PARTITION_FETCH_BYTES,
            session_timeout_ms=SESSION_MS,
            heartbeat_interval_ms=HEARTBEAT_MS,
            max_poll_interval_ms=POLL_INTERVAL_MS,
            rebalance_timeout_ms=SESSION_MS,
            # With static membership, a clean stop would keep its partitions until the session ends.
            group_instance_id=None,
            # The client has no cooperative assignor (issue 1126), so a rebalance stops all members.
            partition_assignment_strategy=(RoundRobinPartitionAssignor,),
        )

    async def _started_producer(self) -> AIOKafkaProducer:
        async with self._starting:
            if self._producer is None:
                producer = AIOKafkaProducer(
                    **self._connection,
                    acks="all",
                    # Idempotent batches never expire (issue 1101): sends and stops hang in an
                    # outage. Without it the client may write a batch twice, which is accepted.
                    enable_idempotence=False,
                    max_batch_size=BATCH_BYTES,
                    max_request_size=RECORD_BYTES_MAX,
                    linger_ms=0,
                    compression_type=None,
                )
                await start(producer)
                self._producer = producer
            return self._producer

    async def _started_marks(self) -> AIOKafkaConsumer:
        async with self._starting:
            if self._marks is None:
                marks = self._consumer(None)
                await start(marks)
                self._marks = marks
            return self._marks

    async def _drop_producer(self) -> None:
        """Stop the producer, so that its pending batches are not sent after newer ones."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await stop(producer)


def _new_topic(topic: Topic, replicas: int) -> NewTopic:
    return NewTopic(
        name=topic.name,
        num_partitions=topic.partitions,
        replication_factor=replicas,
        topic_configs={
            "cleanup.policy": "compact" if topic.compacted else "delete",
            "retention.ms": str(-1 if topic.retention_ms is None else topic.retention_ms),
            # An acknowledged record survives the loss of one broker.
            "min.insync.replicas": str(max(1, replicas - 1)),
            # The largest record plus the overhead of its batch.
            "max.message.bytes": str(RECORD_BYTES_MAX + 65_536),
            "message.timestamp.type": "LogAppendTime",
        },
    )


def _refuse_failures(results: Iterable[Sequence[Any]]) -> None:
    for name, code, *message in results:
        kind = for_code(code)
        if code == 0 or kind is TopicAlreadyExistsError:
            continue
        failure = f"topic {name}: {kind.__name__} {message}"
        raise Transient(failure) if kind.retriable else ConfigurationError(failure)


def _refuse_another_shape(topic: Topic, partitions: Sequence[Any]) -> None:
    if len(partitions) != topic.partitions:
        raise ConfigurationError(
            f"topic {topic.name} has {len(partitions)} partitions, Laurel needs "
            f"{topic.partitions}: the key decides the partition, so the number can never change"
        )
    replicas = len(partitions[0]["replicas"])
    if replicas < REPLICAS:
        logger.warning("kafka.few_replicas", topic=topic.name, replicas=replicas, wanted=REPLICAS)


def _batches(producer: AIOKafkaProducer, records: Sequence[Record]) -> Iterator[Any]:
    """Pack the records of one partition into as few batches as the size limit allows."""
    batch = producer.create_batch()
    for record in records:
        key, value, headers = record.key, record.value, list(record.headers)
        if batch.append(timestamp=None, key=key, value=value, headers=headers) is None:
            yield batch
            batch = producer.create_batch()
            # A batch always accepts its first record, whatever its size is.
            batch.append(timestamp=None, key=key, value=value, headers=headers)
    yield batch


async def _send(producer: AIOKafkaProducer, topic: Topic, turn: Iterable[tuple[int, Any]]) -> None:
    waiting = [
        await producer.send_batch(batch, topic.name, partition=number) for number, batch in turn
    ]
    done, pending = await asyncio.wait(waiting)
    assert not pending
    # Read the exception of each future; asyncio reports those that were not read.
    failures = [failure for sent in done if (failure := sent.exception()) is not None]
    if failures:
        raise failures[0]
