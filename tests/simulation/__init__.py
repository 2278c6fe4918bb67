"""Deterministic simulation: services on a memory log and a real Postgres, scheduled by a seed."""
