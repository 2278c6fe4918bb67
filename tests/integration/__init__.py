"""Integration tests: real Postgres, real HTTP, real processes."""
