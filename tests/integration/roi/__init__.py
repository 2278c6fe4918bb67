"""roi against a real Postgres: catalog, fold, answers."""
