"""One goal: its pace day by day, its forecast, and its correction."""
