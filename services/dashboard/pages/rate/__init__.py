"""One rate, and its archiving."""
