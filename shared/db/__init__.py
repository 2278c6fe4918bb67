"""One door to Postgres: engine and transactions, roles, row-level security, migrations. SQL of a service is not here."""
