"""One suite that holds all three logs (memory, Postgres, Apache Kafka) to the promises of `shared/log/port.py`."""
