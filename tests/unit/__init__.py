"""Unit tests: pure and quick, mirroring the source."""
