"""What crosses this service's edges: log records into words of the core, decisions into stored bytes, HTTP answers."""
