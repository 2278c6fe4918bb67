"""The contract tests of all three logs (memory, Postgres, Kafka): `shared/log/port.py`."""
