"""Deterministic simulation: the services on a memory log and a real Postgres, one component stepped at a time by a seed."""
