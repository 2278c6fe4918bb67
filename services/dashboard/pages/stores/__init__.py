"""Stores and connections: where orders come from."""
