"""Contracts: the log's three adapters under one suite, the samples of every message, the published schemas."""
