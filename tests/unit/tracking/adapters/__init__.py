"""Tests of single vendors' adapters; tests/contract/test_adapters.py runs over all of them."""
