"""What the three services have in common; nothing in here knows a service."""
