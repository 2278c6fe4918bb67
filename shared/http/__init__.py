"""The HTTP base of the three services: problems, limits, request ids, keys, health, the server. Knows no service."""
