"""The log: one port, three adapters (memory, Postgres, Kafka) and the one consumer loop."""
