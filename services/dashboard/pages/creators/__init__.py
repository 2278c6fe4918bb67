"""Creators: who brought what, ranked and filtered, and the form that adds one."""
