"""attribution's pipeline on a real Postgres: batches, joins, corrections, relay, HTTP."""
