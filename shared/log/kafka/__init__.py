"""The event log on Apache Kafka: `log.py` appends, `reader.py` reads.

Only this folder imports aiokafka.
"""

from shared.log.kafka.log import KafkaLog

__all__ = ["KafkaLog"]
