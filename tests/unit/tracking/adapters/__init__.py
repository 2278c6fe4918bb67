"""Tests of single vendors' adapters; what all of them share is in tests/contract/test_adapters.py."""
