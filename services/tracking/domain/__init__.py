"""The pure core of tracking: what a request means as an event. No clock, no chance, no I/O."""
