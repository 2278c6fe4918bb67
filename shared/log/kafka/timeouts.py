"""Deadlines for every call of the Kafka client, for its start and for its stop.

The client's own deadlines are missing or endless.
Promise: each call ends in time, and its failures are `Transient` or `ConfigurationError`.
What can go wrong: a client that does not stop may run on until its own time-outs end it.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    KafkaError,
    TopicAuthorizationFailedError,
)

from shared.errors import ConfigurationError, Transient

# A close may take 5 s. Clients stop at the same time, each in one stop and some hang-ups.
CLOSE_SECONDS: Final = 2.0
FORCE_CLOSE_SECONDS: Final = 0.5

# Private names of the library that `_force_close` needs; a test asserts that they exist. First the
# parts of each client that hold sockets, then the background tasks of a group's member.
SOCKET_OWNERS: Final[Mapping[type, tuple[str, ...]]] = {
    AIOKafkaConsumer: ("_fetcher", "_client"),
    AIOKafkaProducer: ("_sender", "client"),
    AIOKafkaAdminClient: ("_client",),
}
MEMBER_TASKS: Final = ("_coordination_task", "_heartbeat_task", "_commit_refresh_task")

logger = structlog.get_logger(__name__)


@asynccontextmanager
async def with_deadline(what: str, timeout_seconds: float) -> AsyncIterator[None]:
    """Run the block with a deadline and translate the exceptions of the client."""
    try:
        async with asyncio.timeout(timeout_seconds):
            yield
    except TimeoutError as error:
        raise Transient(f"{what}: no answer from Kafka within {timeout_seconds} s") from error
    except (TopicAuthorizationFailedError, GroupAuthorizationFailedError) as error:
        raise ConfigurationError(f"{what}: {error!r}") from error
    except (KafkaError, OSError) as error:
        raise Transient(f"{what}: {error!r}") from error


async def stop(client: Any) -> None:
    """Stop a producer, consumer or admin client; leave it behind if it hangs (aiokafka issue 1101).

    Nothing is lost: unsent batches are in the journal of the caller, offsets in its database.
    """
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await (client.close() if isinstance(client, AIOKafkaAdminClient) else client.stop())
    except (TimeoutError, KafkaError, OSError) as problem:
        logger.warning("kafka.abandoned", client=type(client).__name__, problem=repr(problem))
        await _force_close(client)


async def _force_close(client: Any) -> None:
    """Cancel the background tasks of the client and close its sockets after a failed stop.

    The library has no public call for it. A part is None before the client has started.
    """
    coordinator = vars(client).get("_coordinator")
    for name in MEMBER_TASKS if coordinator is not None else ():
        task = vars(coordinator).get(name)
        if task is not None:
            task.cancel()
    for name in SOCKET_OWNERS[type(client)]:
        part = vars(client).get(name)
        if part is not None:
            with suppress(TimeoutError, KafkaError, OSError):
                async with asyncio.timeout(FORCE_CLOSE_SECONDS):
                    await part.close()


def quiet_client() -> None:
    """Silence the client's log: in an outage it writes many lines a second.

    It also leaves failed futures behind, which asyncio reports. The caller gets every failure that
    matters as `Transient`.
    """
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    logging.getLogger("asyncio").addFilter(_is_not_about_kafka)


def _is_not_about_kafka(line: logging.LogRecord) -> bool:
    error = line.exc_info[1] if line.exc_info else None
    return not isinstance(error, KafkaError)


async def start(client: Any) -> None:
    try:
        await client.start()
    except BaseException:
        await stop(client)
        raise
