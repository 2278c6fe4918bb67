"""The SQL that roi writes with: the catalog, its outbox and the rollups."""
