"""Conversions at the borders of attribution: events, stored decisions and HTTP answers."""
