"""Tests of the pure core of attribution: examples for each rule, properties for what must always hold."""
