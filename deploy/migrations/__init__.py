"""The migrations: one Alembic history for each schema, run by `shared.db.migrate`."""
