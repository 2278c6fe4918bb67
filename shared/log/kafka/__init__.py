"""The log on Apache Kafka: the only folder that imports aiokafka. The handle is in `log.py`, its readers in `reader.py`."""

from shared.log.kafka.log import KafkaLog

__all__ = ["KafkaLog"]
