"""What tracking keeps: the catalog in memory with its snapshot, and the journal on disk."""
