"""The log in Postgres: the embedded default. The handle is in `log.py`, its readers in `reader.py`."""

from shared.log.postgres.log import PostgresLog

__all__ = ["PostgresLog"]
