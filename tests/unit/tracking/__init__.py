"""Tests of tracking's pure rules, and of its parts that need no server."""
