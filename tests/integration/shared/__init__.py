"""Integration tests of shared/: the database and the HTTP base."""
