"""The private names of aiokafka that are used to end a hanging client.

`tests/e2e/test_lowest.py` checks them in the lowest declared version.
"""

from aiokafka import AIOKafkaConsumer
from aiokafka.consumer.group_coordinator import GroupCoordinator

from shared.log.kafka.timeouts import MEMBER_TASKS, SOCKET_OWNERS


def missing_names() -> set[str]:
    """Return the names that the constructor of their class does not set."""
    wanted = {**SOCKET_OWNERS, GroupCoordinator: MEMBER_TASKS}
    wanted[AIOKafkaConsumer] = (*SOCKET_OWNERS[AIOKafkaConsumer], "_coordinator")
    return {
        f"{kind.__name__}.{name}"
        for kind, names in wanted.items()
        for name in names
        if name not in kind.__init__.__code__.co_names
    }


def test_the_private_names_that_a_clean_end_needs_exist() -> None:
    assert missing_names() == set()
