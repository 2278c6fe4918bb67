"""Tests of attribution's pure core: examples for each rule, properties for the invariants."""
