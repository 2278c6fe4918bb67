"""The event log in Postgres, the embedded default: `log.py` appends, `reader.py` reads."""

from shared.log.postgres.log import PostgresLog

__all__ = ["PostgresLog"]
