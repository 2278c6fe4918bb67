"""Access to Postgres: transactions, roles, row-level security, migrations; no SQL of a service."""
