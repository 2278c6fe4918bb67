"""Attacks that the OpenAPI documents themselves suggest, on running services."""
