"""The pure rules of tracking: from a request to an event. No clock, no randomness, no I/O."""
