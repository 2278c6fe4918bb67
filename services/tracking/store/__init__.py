"""The state of tracking: the catalog in memory and on disk, and the journal on disk."""
