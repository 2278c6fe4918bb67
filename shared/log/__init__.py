"""The event log: one interface, three adapters (memory, Postgres, Kafka), one consumer loop."""
