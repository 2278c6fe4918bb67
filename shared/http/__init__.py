"""The HTTP server of the services: limits, JSON bodies, keys, problems, health."""
