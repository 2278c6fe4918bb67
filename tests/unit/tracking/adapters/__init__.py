"""Tests of single vendors' adapters. tests/contract/test_adapters.py tests all of them."""
