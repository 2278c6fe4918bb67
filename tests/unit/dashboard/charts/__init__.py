"""The charts of the dashboard, by example and by property."""
